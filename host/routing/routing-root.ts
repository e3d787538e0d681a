import type { Application } from '../application/application.js';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { configureBy } from '../application/configure.js';
import { EventDefinition } from '../application/events.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { ignoresTrailingSlash } from './ignore-trailing-slash.js';
import { pathSegments } from './path-segments.js';
import { RootSelector } from './root-selector.js';
import { Route } from './route.js';
import { RouteResolver } from './route-resolver.js';
import { RouteTrace, type Tracer } from './route-trace.js';

/** A route was chosen and its pipeline is about to run. */
export const RoutingCallStarted = new EventDefinition<ApplicationCall>('RoutingCallStarted');
/** The pipeline of the route has ended, also by an error. */
export const RoutingCallFinished = new EventDefinition<ApplicationCall>('RoutingCallFinished');

const ROOT = new AttributeKey<RoutingRoot>('portico.routing');

/**
 * Adds routes to an application. The first use installs routing in the Call phase; later ones add to the same tree.
 * Routes are written relative to the application: in the container under `/shop`, `r.get('/items', …)` answers
 * `/shop/items`; links are made with `application.href('/items')`.
 *
 * ```ts
 * routing(application, (r) => {
 *   r.get('/', (call) => call.respondText('hi'));
 *   r.route('/users/{id}', (r) => {
 *     r.get((call) => ({ id: call.parameters.id }));
 *     r.delete((call) => call.respondStatus(204));
 *   });
 * });
 * ```
 */
export function routing(
  application: Application,
  configure: (root: RootRoute) => void = () => undefined,
): RoutingRoot {
  const root = application.attributes.computeIfAbsent(ROOT, () => {
    const made = new RoutingRoot(application);
    application.intercept(ApplicationCallPipeline.Call, (run) => made.answer(run.context));
    return made;
  });
  configureBy(configure, root as unknown as RootRoute, () => 'the routing');
  return root;
}

/** What `routing` configures: the root, whose routes have no parameters yet. */
export type RootRoute = Route<unknown> & Pick<RoutingRoot, 'trace'>;

/** The root of the routing tree of one application; lives as long as it. */
export class RoutingRoot extends Route {
  readonly application: Application;
  readonly #tracers: Tracer[] = [];
  #treeVersion = 0;

  /** For `routing`. The root path must be made of constants: `PORTICO_ROUTE_PATTERN`. */
  constructor(application: Application) {
    const { environment } = application;
    super(
      undefined,
      undefined,
      new RootSelector(environment.isRootPathRemoved ? '' : environment.rootPath),
      0,
    );
    this.application = application;
  }

  /** Changes whenever a handler or interceptor was added anywhere in the tree. */
  get treeVersion(): number {
    return this.#treeVersion;
  }

  /** What was derived from the tree is to be made anew. */
  invalidate(): void {
    this.#treeVersion++;
  }

  /**
   * Tells how the route of each call was found: `r.trace((trace) => console.log(trace.buildText()))`. Slow; for
   * finding mistakes. The same is logged when the application's log writes level `trace`.
   */
  trace(tracer: Tracer): void {
    this.#tracers.push(tracer);
  }

  /** Chooses the route for a call and runs it. Without a route the reason is left in the call. */
  answer(call: ApplicationCall): void | Promise<void> {
    if (call.isHandled) return;
    const ignoresSlash = ignoresTrailingSlash(this.application);
    const segments = pathSegments(call.localPath, ignoresSlash);
    const trace = this.#isTraced ? new RouteTrace(call, segments) : undefined;
    const resolved = new RouteResolver(call, segments, ignoresSlash, trace).resolve(this);
    if (trace !== undefined) this.#tell(trace);
    if (resolved.route === undefined) {
      call.routingFailureStatus = resolved.status;
      call.allowedMethods = resolved.allowedMethods;
      return;
    }
    call.route = resolved.route;
    call.pathValues = resolved;
    return this.#run(call, resolved.route);
  }

  get #isTraced(): boolean {
    return this.#tracers.length > 0 || this.application.log.isLevelEnabled?.('trace') === true;
  }

  #tell(trace: RouteTrace): void {
    const { log } = this.application;
    if (log.isLevelEnabled?.('trace') === true) log.trace(trace.buildText());
    for (const tracer of this.#tracers) {
      try {
        tracer(trace);
      } catch (error) {
        log.error('A tracer of routing failed; the call goes on.', error);
      }
    }
  }

  #run(call: ApplicationCall, route: Route): void | Promise<void> {
    const { monitor, log } = this.application;
    const finished = (): void => monitor.raiseCatching(RoutingCallFinished, call, log);
    if (monitor.isWatched(RoutingCallStarted)) monitor.raise(RoutingCallStarted, call);
    const isWatched = monitor.isWatched(RoutingCallFinished);
    let result: unknown;
    try {
      result = route.pipelineOfCall.execute(call, undefined);
    } catch (error) {
      if (isWatched) finished();
      throw error;
    }
    if (!isPromiseLike(result)) {
      if (isWatched) finished();
      return;
    }
    return isWatched ? (result as Promise<undefined>).finally(finished) : (result as Promise<undefined>);
  }
}
