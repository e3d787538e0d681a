import type { AnyPathParameters, ApplicationCall, CallRoute } from '../application/application-call.js';
import {
  ApplicationCallPipeline,
  type ApplicationReceivePipeline,
  type ApplicationSendPipeline,
} from '../application/call-pipelines.js';
import { configureBy } from '../application/configure.js';
import { installPlugin, type Plugin } from '../application/plugin.js';
import { checkFunction } from '../errors.js';
import type { MediaType } from '../http/media-type.js';
import type { NestedParameters, WithOptionalParameter, WithParameter } from './path-parameters.js';
import { parsePattern, type RoutePattern } from './path-pattern.js';
import { ConstantSelector, TrailingSlashSelector } from './path-selectors.js';
import { MethodSelector } from './request-selectors.js';
import { RoutePipelines } from './route-pipelines.js';
import type { RouteSelector } from './route-selector.js';
import type { RoutingRoot } from './routing-root.js';
import { select } from './select.js';
import { WatchedReceivePipeline, WatchedSendPipeline } from './watched-pipelines.js';

/** A call inside a route: its parameters have the names of the pattern. */
export type RoutingCall<PathParameters = AnyPathParameters> = ApplicationCall<PathParameters>;

/**
 * Answers a call, or gives the value to answer with: `call => ({ id: call.parameters.id })`. May be asynchronous.
 * Undefined means that the handler has answered, or leaves it to the next handler of the route.
 */
export type Handler<PathParameters = AnyPathParameters> = (call: RoutingCall<PathParameters>) => unknown;

/** Adds routes below `route`, at once. */
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
  /** No match of the selector is better. */
  readonly bestQuality: number;
  readonly #children: Route[] = [];
  readonly #otherChildren: Route[] = [];
  readonly #byId = new Map<string, Route>();
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
    this.bestQuality = selector.bestQuality ?? 1;
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
    checkFunction(
      (selector as RouteSelector | undefined)?.evaluate,
      () => `The selector of a route below ${this}`,
    );
    const { id } = selector;
    const known = id === undefined ? undefined : this.#byId.get(id);
    if (known !== undefined) return known;
    const child = new Route(this.#pipelines.root, this as Route, selector, this.#children.length);
    if (id !== undefined) this.#byId.set(id, child);
    this.#children.push(child);
    if (selector instanceof ConstantSelector) {
      this.#constants.set(selector.value, child);
      this.#firstConstant ??= child;
    } else this.#otherChildren.push(child);
    return child;
  }

  /**
   * Routes below a pattern: `r.route('/users/{id}', (r) => r.get('/posts', …))`. A regular expression takes the front of
   * the rest of the path up to a slash, its named groups become parameters. A pattern that cannot be used:
   * `PORTICO_ROUTE_PATTERN`.
   */
  route<Pattern extends RoutePattern>(
    pattern: Pattern,
    configure?: Configure<NestedParameters<PathParameters, Pattern>>,
  ): Route<NestedParameters<PathParameters, Pattern>> {
    let route = this as unknown as Route;
    for (const selector of parsePattern(pattern)) route = route.createChild(selector);
    const typed = route as unknown as Route<NestedParameters<PathParameters, Pattern>>;
    if (configure !== undefined) configureRoute(typed, configure);
    return typed;
  }

  /** Routes for one method, of any name. */
  method(name: string, configure?: Configure<PathParameters>): Route<PathParameters> {
    return this.#select(new MethodSelector(name), configure);
  }

  /** Requests with a query parameter; with a value: that have it among its values. Else 400 when nothing else fits. */
  param<Name extends string>(
    name: Name,
    configure?: Configure<WithParameter<PathParameters, Name>>,
  ): Route<WithParameter<PathParameters, Name>>;
  param(name: string, value: string, configure?: Configure<PathParameters>): Route<PathParameters>;
  param(name: string, ...given: readonly unknown[]): unknown {
    const [value, configure] = typeof given[0] === 'function' ? [undefined, given[0]] : given;
    return this.select(
      select.param(name, value as string | undefined),
      configure as Configure<PathParameters> | undefined,
    );
  }

  /** Requests with or without a query parameter; better than other routes when it is there. */
  optionalParam<Name extends string>(
    name: Name,
    configure?: Configure<WithOptionalParameter<PathParameters, Name>>,
  ): Route<WithOptionalParameter<PathParameters, Name>> {
    return this.#select(select.optionalParam(name), configure);
  }

  /** Requests that have a header field with this value among its items. Else 400. */
  header(name: string, value: string, configure?: Configure<PathParameters>): Route<PathParameters> {
    return this.select(select.header(name, value), configure);
  }

  /** Requests whose Accept takes one of these types, `image/*` too; all without that field. Else 406. */
  accept(...given: ListAndConfigure<MediaType | string, PathParameters>): Route<PathParameters> {
    const [types, configure] = splitConfigure(given);
    return this.select(select.accept(...types), configure);
  }

  /** Requests whose body is of one of these types. Else 415. */
  contentType(...given: ListAndConfigure<MediaType | string, PathParameters>): Route<PathParameters> {
    const [types, configure] = splitConfigure(given);
    return this.select(select.contentType(...types), configure);
  }

  /** Requests to one of these hosts, as the client named it; patterns must fit the whole name. Else 404. */
  host(
    ...given: ListAndConfigure<string | RegExp, HostParameters<PathParameters>>
  ): HostRoute<PathParameters> {
    const [hosts, configure] = splitConfigure(given);
    return this.#select(select.host({ hosts }), configure);
  }

  /** Requests to one of these ports, as the client named it; behind a proxy that is not the connector's. Else 404. */
  port(...given: ListAndConfigure<number, HostParameters<PathParameters>>): HostRoute<PathParameters> {
    const [ports, configure] = splitConfigure(given);
    return this.#select(select.host({ ports }), configure);
  }

  /** Requests that a connector with this port took. Else 404. */
  localPort(
    port: number,
    configure?: Configure<WithParameter<PathParameters, '$LocalPort'>>,
  ): Route<WithParameter<PathParameters, '$LocalPort'>> {
    return this.#select(select.localPort(port), configure);
  }

  /** Requests that all selectors take. */
  and(selectors: SelectorList, configure?: Configure<PathParameters>): Route<PathParameters> {
    return this.select(select.and(...selectors), configure);
  }

  /** Requests that one of the selectors takes; the first that does counts. */
  or(selectors: SelectorList, configure?: Configure<PathParameters>): Route<PathParameters> {
    return this.select(select.or(...selectors), configure);
  }

  /** Everything, and without weight: a new node for plugins and interceptors of just these routes. */
  transparent(name: string, configure?: Configure<PathParameters>): Route<PathParameters> {
    return this.select(select.transparent(name), configure);
  }

  /** Everything that no other route takes. */
  lowPriority(configure?: Configure<PathParameters>): Route<PathParameters> {
    return this.select(select.lowPriority(), configure);
  }

  /** Routes below any selector. */
  select(selector: RouteSelector, configure?: Configure<PathParameters>): Route<PathParameters> {
    return this.#select(selector, configure);
  }

  /**
   * Answers calls of exactly this route. Several handlers run in order until one has answered. No function:
   * `PORTICO_NOT_A_FUNCTION`.
   */
  handle(handler: Handler<PathParameters>): this {
    checkFunction(handler, () => `A handler of ${this}`);
    this.#handlers.push(handler as Handler);
    this.#pipelines.root.invalidate();
    return this;
  }

  get(handler: Handler<PathParameters>): Route;
  get<P extends RoutePattern>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  get(...given: GivenHandler): Route {
    return this.#answer('GET', given);
  }

  post(handler: Handler<PathParameters>): Route;
  post<P extends RoutePattern>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  post(...given: GivenHandler): Route {
    return this.#answer('POST', given);
  }

  put(handler: Handler<PathParameters>): Route;
  put<P extends RoutePattern>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  put(...given: GivenHandler): Route {
    return this.#answer('PUT', given);
  }

  patch(handler: Handler<PathParameters>): Route;
  patch<P extends RoutePattern>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  patch(...given: GivenHandler): Route {
    return this.#answer('PATCH', given);
  }

  delete(handler: Handler<PathParameters>): Route;
  delete<P extends RoutePattern>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  delete(...given: GivenHandler): Route {
    return this.#answer('DELETE', given);
  }

  head(handler: Handler<PathParameters>): Route;
  head<P extends RoutePattern>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  head(...given: GivenHandler): Route {
    return this.#answer('HEAD', given);
  }

  options(handler: Handler<PathParameters>): Route;
  options<P extends RoutePattern>(pattern: P, handler: Handler<NestedParameters<PathParameters, P>>): Route;
  options(...given: GivenHandler): Route {
    return this.#answer('OPTIONS', given);
  }

  /** Installs a plugin for this route and everything below it. */
  install<Config, Instance>(
    plugin: Plugin<Route, Config, Instance>,
    configure?: (config: Config) => void,
  ): Instance {
    const instance = installPlugin<Route, Config, Instance>(this as unknown as Route, plugin, configure);
    this.root.application.closeAtEnd(instance);
    return instance;
  }

  /** The routes from the root to this one. */
  get lineage(): readonly Route[] {
    const lineage: Route[] = [];
    for (let route: Route | undefined = this as Route; route !== undefined; route = route.parent)
      lineage.unshift(route);
    return lineage;
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

  #select<P>(selector: RouteSelector, configure: Configure<P> | undefined): Route<P> {
    const route = this.createChild(selector) as unknown as Route<P>;
    if (configure !== undefined) configureRoute(route, configure);
    return route;
  }

  #answer(method: string, given: GivenHandler): Route {
    const [pattern, handler] = given.length === 1 ? ['', given[0]] : given;
    const route = this.route(pattern) as unknown as Route;
    return route.method(method).handle(handler as Handler);
  }
}

/** Adds routes below `route`; see `configureBy`. */
export function configureRoute<P>(route: Route<P>, configure: Configure<P>): void {
  configureBy(configure, route, () => `the route ${route}`);
}

/** What the overloads have checked. */
type GivenHandler =
  | readonly [handler: (call: never) => unknown]
  | readonly [pattern: RoutePattern, handler: (call: never) => unknown];

/** Some values, and what is to be done with the route. */
export type ListAndConfigure<T, PathParameters> =
  | readonly T[]
  | readonly [...values: T[], configure: Configure<PathParameters>];

/** Parameters of a route for hosts or ports. */
export type HostParameters<PathParameters> = WithParameter<PathParameters, '$RequestHost' | '$RequestPort'>;

type HostRoute<PathParameters> = Route<HostParameters<PathParameters>>;

/** One selector or more; `select` makes them. */
export type SelectorList = readonly [RouteSelector, ...RouteSelector[]];

function splitConfigure<T, P>(
  given: ListAndConfigure<T, P>,
): readonly [values: readonly T[], configure: Configure<P> | undefined] {
  const last = given.at(-1);
  if (typeof last !== 'function') return [given as readonly T[], undefined];
  return [given.slice(0, -1) as readonly T[], last as Configure<P>];
}

/** Routes that have handlers, in order of declaration. */
export function allRoutes(route: Route): readonly Route[] {
  return [...(route.handlers.length > 0 ? [route] : []), ...route.children.flatMap(allRoutes)];
}

function join(parent: string, selector: RouteSelector): string {
  const base = parent.endsWith('/') ? parent : `${parent}/`;
  return selector instanceof TrailingSlashSelector ? base : base + selector.toString();
}
