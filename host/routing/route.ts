import type { AnyPathParameters, ApplicationCall, CallRoute } from '../application/application-call.js';
import {
  ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
} from '../application/call-pipelines.js';
import { installPlugin, type Plugin } from '../application/plugin.js';
import type { NestedParameters } from './path-parameters.js';
import { parsePattern } from './path-pattern.js';
import { ConstantSelector, TrailingSlashSelector } from './path-selectors.js';
import { MethodSelector } from './request-selectors.js';
import { RoutePipelines } from './route-pipelines.js';
import type { RouteSelector } from './route-selector.js';
import type { RoutingRoot } from './routing-root.js';

/** A call inside a route: its parameters have the names of the pattern. */
export type RoutingCall<PathParameters = AnyPathParameters> = ApplicationCall<PathParameters>;

/**
 * Answers a call, or gives the value to answer with: `call => ({ id: call.parameters.id })`. May be asynchronous.
 * Undefined means that the handler has answered, or leaves it to the next handler of the route.
 */
export type Handler<PathParameters = AnyPathParameters> = (call: RoutingCall<PathParameters>) => unknown;

/** Adds routes below `route`. */
export type Configure<PathParameters> = (route: Route<PathParameters>) => void;

/**
 * A node of the routing tree: a selector, children, handlers, and a pipeline of its own that the calls of its subtree
 * go through. Made while modules run; belongs to the `RoutingRoot`. Equal selectors below one parent are one node, so
 * routes written apart meet.
 */
export class Route<PathParameters = AnyPathParameters> extends ApplicationCallPipeline implements CallRoute {
  readonly parent: Route | undefined;
  readonly selector: RouteSelector;
  /** Place among its siblings. */
  readonly order: number;
  readonly #children: Route[] = [];
  readonly #otherChildren: Route[] = [];
  readonly #constants = new Map<string, Route>();
  #firstConstant: Route | undefined;
  readonly #handlers: Handler[] = [];
  readonly #pipelines: RoutePipelines;

  /** For `createChild` and the root. */
  constructor(
    root: RoutingRoot | undefined,
    parent: Route | undefined,
    selector: RouteSelector,
    order: number,
  ) {
    super();
    this.parent = parent;
    this.selector = selector;
    this.order = order;
    this.#pipelines = new RoutePipelines(this as Route, root ?? (this as unknown as RoutingRoot));
  }

  /** The root of the tree this route belongs to. */
  get root(): RoutingRoot {
    return this.#pipelines.root;
  }

  /** In order of declaration. */
  get children(): readonly Route[] {
    return this.#children;
  }

  /** In order of registration. */
  get handlers(): readonly Handler[] {
    return this.#handlers;
  }

  /** The child of this selector; made when there is none. */
  createChild(selector: RouteSelector): Route {
    const known =
      selector.id === undefined ? undefined : this.#children.find((one) => one.selector.id === selector.id);
    if (known !== undefined) return known;
    const child = new Route(this.#pipelines.root, this as Route, selector, this.#children.length);
    this.#children.push(child);
    if (selector instanceof ConstantSelector) {
      this.#constants.set(selector.value, child);
      this.#firstConstant ??= child;
    } else this.#otherChildren.push(child);
    return child;
  }

  /** Routes below a pattern: `r.route('/users/{id}', (r) => r.get('/posts', …))`. */
  route<Pattern extends string>(
    pattern: Pattern,
    configure?: Configure<NestedParameters<PathParameters, Pattern>>,
  ): Route<NestedParameters<PathParameters, Pattern>> {
    let route = this as unknown as Route;
    for (const selector of parsePattern(pattern)) route = route.createChild(selector);
    const typed = route as unknown as Route<NestedParameters<PathParameters, Pattern>>;
    configure?.(typed);
    return typed;
  }

  /** Routes for one method, of any name. */
  method(name: string, configure?: Configure<PathParameters>): Route<PathParameters> {
    const route = this.createChild(new MethodSelector(name)) as unknown as Route<PathParameters>;
    configure?.(route);
    return route;
  }

  /** Answers calls of exactly this route. Several handlers run in order until one has answered. */
  handle(handler: Handler<PathParameters>): this {
    this.#handlers.push(handler as Handler);
    this.#pipelines.root.invalidate();
    return this;
  }

  get(handler: Handler<PathParameters>): Route;
  get<P extends string>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  get(...given: GivenHandler): Route {
    return this.#answer('GET', given);
  }

  post(handler: Handler<PathParameters>): Route;
  post<P extends string>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  post(...given: GivenHandler): Route {
    return this.#answer('POST', given);
  }

  put(handler: Handler<PathParameters>): Route;
  put<P extends string>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  put(...given: GivenHandler): Route {
    return this.#answer('PUT', given);
  }

  patch(handler: Handler<PathParameters>): Route;
  patch<P extends string>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  patch(...given: GivenHandler): Route {
    return this.#answer('PATCH', given);
  }

  delete(handler: Handler<PathParameters>): Route;
  delete<P extends string>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  delete(...given: GivenHandler): Route {
    return this.#answer('DELETE', given);
  }

  head(handler: Handler<PathParameters>): Route;
  head<P extends string>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  head(...given: GivenHandler): Route {
    return this.#answer('HEAD', given);
  }

  options(handler: Handler<PathParameters>): Route;
  options<P extends string>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  options(...given: GivenHandler): Route {
    return this.#answer('OPTIONS', given);
  }

  /** Installs a plugin for this route and everything below it. */
  install<Config, Instance>(
    plugin: Plugin<Route, Config, Instance>,
    configure?: (config: Config) => void,
  ): Instance {
    return installPlugin<Route, Config, Instance>(this as unknown as Route, plugin, configure);
  }

  /** The pattern as far as it is about the path: `/users/{id}`; `''` for the root. */
  get path(): string {
    const parentPath = this.parent?.path;
    if (parentPath === undefined) return '';
    return this.selector.isPath ? join(parentPath, this.selector) : parentPath;
  }

  /** All selectors: `/users/{id}/(method:GET)`. */
  override toString(): string {
    return this.parent === undefined ? `/${this.selector}` : join(this.parent.toString(), this.selector);
  }

  /** The child for a segment; without a segment any constant child, which then fails for all of them. */
  constantChild(segment: string | undefined): Route | undefined {
    return segment === undefined ? this.#firstConstant : this.#constants.get(segment);
  }

  /** Children that are no constants. */
  get otherChildren(): readonly Route[] {
    return this.#otherChildren;
  }

  /** Merged pipelines from the root to this route, its handlers at the end. */
  get pipelineOfCall(): ApplicationCallPipeline {
    return this.#pipelines.call;
  }

  get sendPipelineOfCall(): ApplicationSendPipeline {
    return this.#pipelines.send;
  }

  get receivePipelineOfCall(): ApplicationReceivePipeline {
    return this.#pipelines.receive;
  }

  protected override afterIntercepted(): void {
    this.#pipelines.root.invalidate();
  }

  protected override makeReceivePipeline(): ApplicationReceivePipeline {
    return new WatchedReceivePipeline(this.#pipelines.root);
  }

  protected override makeSendPipeline(): ApplicationSendPipeline {
    return new WatchedSendPipeline(this.#pipelines.root);
  }

  #answer(method: string, given: GivenHandler): Route {
    const [pattern, handler] = given.length === 1 ? ['', given[0]] : given;
    const route = this.route(pattern) as unknown as Route;
    return route.method(method).handle(handler);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the overloads have checked it
type GivenHandler = readonly [handler: Handler<any>] | readonly [pattern: string, handler: Handler<any>];

/** Routes that have handlers, in order of declaration. */
export function allRoutes(route: Route): readonly Route[] {
  return [...(route.handlers.length > 0 ? [route] : []), ...route.children.flatMap(allRoutes)];
}

class WatchedReceivePipeline extends ApplicationReceivePipeline {
  readonly #root: RoutingRoot;

  constructor(root: RoutingRoot) {
    super();
    this.#root = root;
  }

  protected override afterIntercepted(): void {
    this.#root.invalidate();
  }
}

class WatchedSendPipeline extends ApplicationSendPipeline {
  readonly #root: RoutingRoot;

  constructor(root: RoutingRoot) {
    super();
    this.#root = root;
  }

  protected override afterIntercepted(): void {
    this.#root.invalidate();
  }
}

function join(parent: string, selector: RouteSelector): string {
  const base = parent.endsWith('/') ? parent : `${parent}/`;
  return selector instanceof TrailingSlashSelector ? base : base + selector.toString();
}
