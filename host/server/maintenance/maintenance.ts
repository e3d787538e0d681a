import { isAbsolute, join } from 'node:path';
import type {
  MaintenanceOrder,
  MaintenanceState,
  MaintenanceTarget,
  MaintenanceView,
} from '../../admin/admin-collaborators.js';
import type { HostConfig } from '../../config/host-config.js';
import {
  type ConfiguredMaintenance,
  DEFAULT_RETRY_AFTER_SECONDS,
  readPage,
} from '../../config/maintenance-settings.js';
import { placeOf, shownPlace } from '../../deployer/place.js';
import { messageOf, PorticoError } from '../../errors.js';
import type { DrainReport } from '../../front/drains/drain-report.js';
import { DEFAULT_HOST } from '../../front/host-names.js';
import type { ContextRoute, DeploymentCounts } from '../../front/messages.js';
import type { RouteTable } from '../../front/route-table.js';
import type { ServerLog } from '../../log/server-log.js';
import type { Closure } from '../../runtime/closed-runtime.js';
import type { Maintained } from '../current-front-settings.js';
import { type Closing, Closings } from './closings.js';

/** The fronts, as far as they are told what is closed. */
export interface MaintainedFronts extends RouteTable {
  maintain(maintained: Maintained): Promise<void>;
}

/** What of the configuration counts here. */
export type MaintainedConfig = Pick<HostConfig, 'maintenance' | 'virtualHosts'>;

/**
 * What is closed for maintenance, and with which page: contexts, virtual hosts, the whole host. Stands between the deployer
 * and the fronts and marks the routes of closed contexts; the rest the fronts hear with their settings. What lies behind
 * goes on running. What an operator has closed is on disk; what `host.yaml` closes is not. Owned by the server.
 */
export class Maintenance implements RouteTable, MaintenanceView {
  readonly #fronts: MaintainedFronts;
  readonly #log: ServerLog;
  readonly #config: () => MaintainedConfig;
  readonly #closings: Closings;
  /** As the deployer has published them. */
  readonly #routes = new Map<string, ContextRoute>();
  /** When what the configuration closes was seen first; ISO 8601. */
  #configuredSince = new Date().toISOString();

  /** `folder`: where the file is; `config`: what is in force. */
  constructor(fronts: MaintainedFronts, folder: string, config: () => MaintainedConfig, log: ServerLog) {
    this.#fronts = fronts;
    this.#log = log;
    this.#config = config;
    this.#closings = new Closings(join(folder, 'maintenance.json'), log);
  }

  /** The fronts hear what is closed; to be called before they start, and when the configuration is another. */
  async follow(): Promise<void> {
    await this.#fronts.maintain(this.#closures());
  }

  /** The same, after a change of the configuration. */
  async reconfigured(): Promise<void> {
    this.#configuredSince = new Date().toISOString();
    await this.follow();
    const closed = this.list().filter(({ by }) => by === 'configuration');
    const text = closed.map(shown).join(', ');
    this.#log.warn(
      { event: closed.length > 0 ? 'maintenance-begun' : 'maintenance-ended', scope: 'configuration' },
      closed.length > 0
        ? `closed for maintenance by host.yaml: ${text}`
        : 'host.yaml closes nothing any more',
    );
  }

  /** Says what is closed from the start on. */
  announce(): void {
    const closed = this.list();
    if (closed.length === 0) return;
    const text = closed.map(
      (state) => `${shown(state)} (${state.by === 'operator' ? 'by an operator' : 'by host.yaml'})`,
    );
    this.#log.warn(
      { closed: closed.length },
      `closed for maintenance: ${text.slice(0, MAX_NAMED).join(', ')}`,
    );
  }

  /** The whole host is closed. */
  get isWhole(): boolean {
    return this.#whole() !== undefined;
  }

  list(): readonly MaintenanceState[] {
    const whole = this.#whole();
    return [
      ...(whole === undefined ? [] : [whole]),
      ...this.#virtualHosts(),
      ...[...this.#closings.contexts].map(([context, closing]) => ({
        scope: 'application' as const,
        path: shownPlace(context),
        by: 'operator' as const,
        ...factsOf(closing),
      })),
    ];
  }

  of({ host, path }: { readonly host?: string; readonly path: string }): MaintenanceState | undefined {
    const key = this.#keyOf(host);
    const { id } = placeOf({ host: key, contextPath: path === '/' ? '' : path });
    return (
      this.#whole() ??
      this.#virtualHosts().find((state) => this.#keyOf(state.host) === key) ??
      this.list().find((state) => state.scope === 'application' && state.path === shownPlace(id))
    );
  }

  /** See `MaintenanceView`. */
  async begin(target: MaintenanceTarget, order: MaintenanceOrder): Promise<void> {
    const page = order.file === undefined ? undefined : pageOf(order.file);
    const retryAfterSeconds = order.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
    await this.#change(target, (before) => ({
      since: before?.since ?? new Date().toISOString(),
      retryAfterSeconds,
      ...(page === undefined ? {} : { page }),
    }));
  }

  async end(target: MaintenanceTarget): Promise<void> {
    await this.#change(target, () => undefined);
    const what = this.#configured(target);
    if (what === undefined) return;
    throw new PorticoError(
      'PORTICO_MAINTENANCE_CONFIGURED',
      `host.yaml closes ${what} for maintenance. Change "maintenance" there, then use "portico reload".`,
    );
  }

  async publish(set: readonly ContextRoute[], remove: readonly string[]): Promise<void> {
    for (const context of remove) this.#routes.delete(context);
    for (const route of set) this.#routes.set(route.context, route);
    await this.#fronts.publish(
      set.map((route) => this.#marked(route)),
      remove,
    );
  }

  whenIdle(deployment: string, deadlineMs: number): Promise<boolean> {
    return this.#fronts.whenIdle(deployment, deadlineMs);
  }

  countsOf(deployment: string): DeploymentCounts {
    const none = { deployment, requests: 0, errors: 0, inFlight: 0, tunnels: 0 };
    return this.#fronts.countsOf?.(deployment) ?? none;
  }

  drainOf(deployment: string): Promise<DrainReport | undefined> {
    return this.#fronts.drainOf?.(deployment) ?? Promise.resolve(undefined);
  }

  onInstanceLost(listener: (instance: string, reason: string) => void): void {
    this.#fronts.onInstanceLost(listener);
  }

  onWanted(listener: (context: string) => void): void {
    this.#fronts.onWanted(listener);
  }

  async #change(
    target: MaintenanceTarget,
    next: (before: Closing | undefined) => Closing | undefined,
  ): Promise<void> {
    if (target.scope === 'host') {
      const before = this.#closings.host;
      this.#closings.host = next(before);
      if (before !== this.#closings.host)
        await this.#changed('the whole host', this.#closings.host, { scope: 'host' });
      return;
    }
    const isHost = target.scope === 'virtual-host';
    const map = isHost ? this.#closings.virtualHosts : this.#closings.contexts;
    const key = isHost ? this.#nameOf(target.name) : this.#contextOf(target);
    const before = map.get(key);
    const after = next(before);
    if (after === before) return;
    if (after === undefined) map.delete(key);
    else map.set(key, after);
    if (isHost) {
      await this.#changed(`the virtual host ${key}`, after, { scope: 'virtual-host', host: key });
      return;
    }
    const path = shownPlace(key);
    const application = this.#routes.get(key)?.application ?? '';
    await this.#changed(path, after, { scope: 'application', application, path }, key);
  }

  async #changed(
    what: string,
    closing: Closing | undefined,
    fields: object,
    context?: string,
  ): Promise<void> {
    await this.#closings.save();
    const route = context === undefined ? undefined : this.#routes.get(context);
    if (context === undefined) await this.follow();
    else if (route !== undefined) await this.#fronts.publish([this.#marked(route)], []);
    const event = closing === undefined ? 'maintenance-ended' : 'maintenance-begun';
    this.#log.warn(
      { event, ...fields },
      `${what} is ${closing === undefined ? 'open again' : 'closed for maintenance'}`,
    );
  }

  /** What of this the configuration closes, in words. */
  #configured(target: MaintenanceTarget): string | undefined {
    const { maintenance } = this.#config();
    if (target.scope === 'host') return maintenance?.host && 'the whole host';
    if (target.scope === 'application') return undefined;
    const name = this.#nameOf(target.name);
    return maintenance?.virtualHosts[name] && name;
  }

  #whole(): MaintenanceState | undefined {
    return this.#stateOf({ scope: 'host' }, this.#closings.host, this.#config().maintenance?.host);
  }

  #virtualHosts(): MaintenanceState[] {
    const { maintenance, virtualHosts } = this.#config();
    return (virtualHosts?.hosts ?? []).flatMap(({ name }) => {
      const own = this.#closings.virtualHosts.get(name);
      const configured = maintenance?.virtualHosts[name];
      return this.#stateOf({ scope: 'virtual-host', host: name }, own, configured) ?? [];
    });
  }

  #stateOf(
    what: Pick<MaintenanceState, 'scope' | 'host'>,
    own: Closing | undefined,
    configured: ConfiguredMaintenance['host'],
  ): MaintenanceState | undefined {
    if (own !== undefined) return { ...what, by: 'operator', ...factsOf(own) };
    if (configured === undefined) return undefined;
    return { ...what, by: 'configuration', ...factsOf({ since: this.#configuredSince, ...configured }) };
  }

  #closures(): Maintained {
    const { maintenance, virtualHosts } = this.#config();
    const whole = this.#closings.host ?? maintenance?.host;
    const hosts = (virtualHosts?.hosts ?? []).flatMap(({ name }) => {
      const closing = this.#closings.virtualHosts.get(name) ?? maintenance?.virtualHosts[name];
      return closing === undefined ? [] : [[this.#keyOf(name), closureOf(closing, 'This site')] as const];
    });
    return {
      closed: whole && closureOf(whole, 'This host'),
      closedHosts: hosts.length === 0 ? undefined : Object.fromEntries(hosts),
    };
  }

  #marked(route: ContextRoute): ContextRoute {
    const closing = this.#closings.contexts.get(route.context);
    return closing === undefined ? route : { ...route, closed: closureOf(closing, 'This application') };
  }

  #contextOf({ host, path }: Pick<MaintenanceState, 'host'> & { readonly path: string }): string {
    return placeOf({ host: this.#keyOf(host), contextPath: path === '/' ? '' : path }).id;
  }

  /** As in routes: `''` for the default host. */
  #keyOf(name: string | undefined): string {
    return name === undefined || name === this.#config().virtualHosts?.defaultHost ? DEFAULT_HOST : name;
  }

  /** The name of the virtual host that has this name, or this alias. Throws `PORTICO_VIRTUAL_HOST_UNKNOWN`. */
  #nameOf(asked: string): string {
    const { virtualHosts } = this.#config();
    const name = asked.toLowerCase();
    const exact = virtualHosts?.hosts.find((host) => host.name === name || host.aliases.includes(name));
    if (exact !== undefined) return exact.name;
    const known = virtualHosts?.hosts.map((host) => host.name) ?? [];
    const hint =
      known.length === 0 ? 'host.yaml has no hosts' : `name one of: ${known.slice(0, 20).join(', ')}`;
    throw new PorticoError(
      'PORTICO_VIRTUAL_HOST_UNKNOWN',
      `There is no virtual host ${JSON.stringify(asked)}; ${hint}.`,
    );
  }
}

function shown({ path, host = 'the whole host' }: MaintenanceState): string {
  return path ?? host;
}

/** In one line of the log. */
const MAX_NAMED = 20;

function factsOf({ since, retryAfterSeconds, page }: Closing) {
  return { since, retryAfterSeconds, hasPage: page !== undefined };
}

function closureOf({ retryAfterSeconds, page }: Omit<Closing, 'since'>, what: string): Closure {
  const reason = `${what} is being maintained.`;
  return { reason, retryAfterSeconds, ...(page === undefined ? {} : { page }) };
}

/** Throws `PORTICO_MAINTENANCE_PAGE`. */
function pageOf(path: string): string {
  try {
    if (!isAbsolute(path)) throw new Error('the path is not absolute');
    return readPage(path);
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_MAINTENANCE_PAGE',
      `The page ${path} cannot be used: ${messageOf(cause)}. Name an HTML file of at most 64KiB that the server can read.`,
      { cause },
    );
  }
}
