import { AbortReason, type Exchange } from '../../exchange/exchange.js';
import type { Departure } from '../../lifecycle/departure.js';
import type { Mount, Runtime } from '../mount.js';
import { answerAborted, answerPlainly } from '../plain-answer.js';
import { type LineLimits, WaitingLine, type WaitingRequest } from '../waiting-line.js';
import { InstanceChannel, type InstanceEndpoint } from './instance-channel.js';
import { Splice, type SpliceOwner } from './splice.js';
import type { SplicedTunnel } from './spliced-tunnel.js';

/** What a route says about a deployment that answers with processes; may change while it runs. */
export interface ProcessSettings {
  readonly instances: readonly InstanceEndpoint[];
  /** 504 when the application has not begun to respond after this time. 0: never. */
  readonly responseTimeoutMs: number;
  /** How long tunnels of a retired deployment get before they are cut. */
  readonly tunnelCloseMs: number;
  /**
   * The application closes its WebSockets and event streams by itself, with words of its own. Those that are open after half of
   * `tunnelCloseMs` hear of it from here; without this, all do at once.
   */
  readonly closesWebSockets?: boolean;
  /** `Retry-After` of a 503. */
  readonly retryAfterSeconds: number;
  /** Requests wait while no instance is connected. Absent: they are answered 503 at once. */
  readonly queue?: LineLimits;
}

/**
 * A deployment that runs in processes of its own: sends each request to the instance with the fewest open exchanges,
 * and watches over deadlines. Owned by the front; outlives the mapping until its last exchange and tunnel is over.
 */
export class ProcessRuntime implements Runtime, SpliceOwner {
  readonly #onInstanceLost: (instance: string, reason: string) => void;
  #settings: ProcessSettings;
  #channels: InstanceChannel[] = [];
  #retiredChannels: InstanceChannel[] = [];
  /** Where the search for the least busy instance begins: goes round, so that ties are shared. */
  #turn = 0;
  #open = 0;
  /** Splices without a response, oldest first. */
  #oldest: Splice | undefined;
  #newest: Splice | undefined;
  /** Splices that wait for a connection. */
  #waiting: Splice[] = [];
  /** Requests that wait for an instance. */
  readonly #line = new WaitingLine(NO_LINE, ({ exchange }) => this.#answerUnavailable(exchange));
  readonly #tunnels = new Map<Splice, SplicedTunnel>();
  readonly #streams = new Set<Splice>();
  /** From then on tunnels are asked to close, and event streams end. */
  #tunnelsCloseAt = Number.POSITIVE_INFINITY;
  #tunnelsEndAt = Number.POSITIVE_INFINITY;
  /** Why they are. */
  #departure: Departure = 'ended';
  #onIdle: (() => void) | undefined;

  constructor(settings: ProcessSettings, onInstanceLost: (instance: string, reason: string) => void) {
    this.#onInstanceLost = onInstanceLost;
    this.#settings = settings;
    this.configure(settings);
  }

  get openExchanges(): number {
    return this.#open;
  }

  /** Takes over new settings: connects to instances that are new, lets go of those that are gone. */
  configure(settings: ProcessSettings): void {
    this.#settings = settings;
    this.#line.limits = settings.queue ?? NO_LINE;
    const known = new Map(this.#channels.map((channel) => [channel.endpoint.instance, channel]));
    this.#channels = settings.instances.map((endpoint) => {
      const channel = known.get(endpoint.instance);
      if (channel !== undefined) {
        known.delete(endpoint.instance);
        return channel;
      }
      const created = new InstanceChannel(endpoint, this.#onLost);
      void this.#serveAfter(created);
      return created;
    });
    for (const channel of known.values()) {
      channel.isRetired = true;
      this.#retiredChannels.push(channel);
    }
    if (known.size > 0) this.#leave(settings);
    this.#closeIdleChannels();
    // A request that waits for one of the instances that are gone must not wait for the others' sake.
    this.#serveWaiting();
  }

  /** True while a connection to an instance is being made. */
  get isConnecting(): boolean {
    return this.#channels.some((channel) => channel.state === 'connecting');
  }

  /** Resolves when every instance is connected or has failed to. The caller sets a deadline. */
  async connected(): Promise<void> {
    await Promise.all(this.#channels.map((channel) => channel.attempt));
  }

  /** `channel`: the instance that is to answer; by default the least busy one. */
  handle(exchange: Exchange, mount: Mount, within: string, channel = this.leastBusy()): void {
    const { maxBodyBytes } = mount;
    if (maxBodyBytes > 0 && exchange.head.bodyLength > maxBodyBytes) {
      mount.counters.tooLargeBodies++;
      answerAborted(exchange, AbortReason.BODY_TOO_LARGE);
      return;
    }
    if (channel === undefined && (!this.#mayWait() || this.#settings.queue !== undefined)) {
      if (this.#line.add(exchange, mount, within)) return;
      if (this.#settings.queue !== undefined) mount.counters.limit?.('queue-full');
      this.#answerUnavailable(exchange);
      return;
    }
    const splice = new Splice(this, exchange, mount, within);
    this.#open++;
    this.#list(splice);
    if (channel !== undefined) splice.open(channel);
    else this.#waiting.push(splice);
  }

  /** What waits for an instance, to be answered elsewhere. */
  release(): WaitingRequest[] {
    return this.#line.release();
  }

  /** Answers what waits for an instance: there will be none. */
  giveUp(): void {
    for (const { exchange } of this.release()) this.#answerUnavailable(exchange);
  }

  channelFor(_splice: Splice, except: InstanceChannel): InstanceChannel | undefined {
    return this.#leastBusy(except);
  }

  responded(splice: Splice): void {
    this.#unlist(splice);
  }

  tunnelled(splice: Splice, tunnel: SplicedTunnel): void {
    this.#tunnels.set(splice, tunnel);
    splice.mount.counters.tunnels++;
    if (splice.mount.deployment !== undefined) splice.mount.deployment.tunnels++;
    if (performance.now() >= this.#tunnelsCloseAt) tunnel.goAway(this.#departure);
  }

  streaming(splice: Splice): void {
    this.#streams.add(splice);
    if (performance.now() >= this.#tunnelsCloseAt) splice.endEvents();
  }

  finished(splice: Splice): void {
    this.#unlist(splice);
    this.#open--;
    if (this.#streams.size > 0) this.#streams.delete(splice);
    if (this.#tunnels.delete(splice)) {
      splice.mount.counters.tunnels--;
      if (splice.mount.deployment !== undefined) splice.mount.deployment.tunnels--;
    }
    if (this.#retiredChannels.length > 0) setImmediate(this.#closeIdleChannels);
    if (this.#open === 0 && this.#onIdle !== undefined) setImmediate(this.#announceIdle);
  }

  retire(onIdle: () => void, departure: Departure): void {
    const { tunnelCloseMs, closesWebSockets } = this.#settings;
    const now = performance.now();
    this.#onIdle = onIdle;
    this.#departure = departure;
    this.#tunnelsCloseAt = closesWebSockets === true ? now + tunnelCloseMs / 2 : now;
    this.#tunnelsEndAt = now + tunnelCloseMs;
    this.#closeTunnels(now);
    if (this.#open === 0) setImmediate(this.#announceIdle);
  }

  revive(): void {
    this.#onIdle = undefined;
    this.#tunnelsCloseAt = Number.POSITIVE_INFINITY;
    this.#tunnelsEndAt = Number.POSITIVE_INFINITY;
  }

  sweep(now: number): void {
    const { responseTimeoutMs } = this.#settings;
    if (this.#retiredChannels.length > 0) this.#closeIdleChannels();
    if (responseTimeoutMs > 0) {
      while (this.#oldest !== undefined && now - this.#oldest.startedAt >= responseTimeoutMs) {
        const late = this.#oldest;
        this.#unlist(late);
        late.fail(504, 'The application did not answer in time.');
      }
    }
    this.#closeTunnels(now);
    if (now >= this.#tunnelsEndAt)
      for (const splice of this.#tunnels.keys()) splice.cut(AbortReason.CANCELLED);
  }

  close(): void {
    for (const splice of this.#tunnels.keys()) splice.cut(AbortReason.CANCELLED);
    for (const channel of [...this.#channels, ...this.#retiredChannels]) channel.close();
    this.#channels = [];
    this.#retiredChannels = [];
  }

  /** Of several instances some are about to end; the others answer whoever comes back. */
  #leave({ closesWebSockets }: ProcessSettings): void {
    if (closesWebSockets === true) return;
    for (const [splice, tunnel] of this.#tunnels)
      if (splice.channel?.isRetired === true) tunnel.goAway('replaced');
    for (const splice of this.#streams) if (splice.channel?.isRetired === true) splice.endEvents();
  }

  /** Asks a second time without effect. */
  #closeTunnels(now: number): void {
    if (now < this.#tunnelsCloseAt) return;
    for (const tunnel of this.#tunnels.values()) tunnel.goAway(this.#departure);
    for (const splice of this.#streams) splice.endEvents();
  }

  /** Those that the route names, connected or not. */
  protected get channels(): readonly InstanceChannel[] {
    return this.#channels;
  }

  protected leastBusy(): InstanceChannel | undefined {
    return this.#leastBusy(undefined);
  }

  #leastBusy(except: InstanceChannel | undefined): InstanceChannel | undefined {
    const channels = this.#channels;
    const count = channels.length;
    if (count === 1) {
      const only = channels[0] as InstanceChannel;
      return only.isUsable && only !== except ? only : undefined;
    }
    let best: InstanceChannel | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    this.#turn = this.#turn + 1 < count ? this.#turn + 1 : 0;
    for (let i = 0; i < count; i++) {
      const at = this.#turn + i;
      const channel = channels[at < count ? at : at - count] as InstanceChannel;
      if (!channel.isUsable || channel === except) continue;
      const active = channel.activeExchanges;
      if (active < fewest) {
        best = channel;
        fewest = active;
      }
    }
    return best;
  }

  /** Whether a connection may come up soon; tries lost ones again. */
  #mayWait(): boolean {
    let isConnecting = false;
    for (const channel of this.#channels) {
      if (channel.reconnect()) void this.#serveAfter(channel);
      if (channel.state === 'connecting') isConnecting = true;
    }
    return isConnecting && this.#waiting.length < MAX_WAITING;
  }

  async #serveAfter(channel: InstanceChannel): Promise<void> {
    await channel.attempt;
    this.#serveWaiting();
  }

  #serveWaiting(): void {
    while (this.#line.size > 0 && this.#leastBusy(undefined) !== undefined) {
      const first = this.#line.shift();
      if (first !== undefined) this.handle(first.exchange, first.mount, first.within);
    }
    if (this.#waiting.length === 0) return;
    const { isConnecting } = this;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const splice of waiting) {
      if (splice.isFinished) continue;
      const channel = this.#leastBusy(undefined);
      if (channel !== undefined) splice.open(channel);
      else if (isConnecting) this.#waiting.push(splice);
      else splice.fail(503, UNREACHABLE, this.#retryAfter);
    }
  }

  #answerUnavailable(exchange: Exchange): void {
    answerPlainly(exchange, 503, UNREACHABLE, this.#retryAfter);
  }

  get #retryAfter(): readonly string[] {
    return ['retry-after', String(this.#settings.retryAfterSeconds)];
  }

  readonly #onLost = (channel: InstanceChannel, reason: string): void => {
    if (!channel.isRetired) this.#onInstanceLost(channel.endpoint.instance, reason);
  };

  readonly #closeIdleChannels = (): void => {
    this.#retiredChannels = this.#retiredChannels.filter((channel) => {
      if (channel.state === 'open' && channel.activeExchanges > 0) return true;
      channel.close();
      return false;
    });
  };

  readonly #announceIdle = (): void => {
    const onIdle = this.#onIdle;
    if (onIdle === undefined || this.#open > 0) return;
    this.#onIdle = undefined;
    onIdle();
  };

  #list(splice: Splice): void {
    splice.isListed = true;
    splice.previous = this.#newest;
    if (this.#newest === undefined) this.#oldest = splice;
    else this.#newest.next = splice;
    this.#newest = splice;
  }

  #unlist(splice: Splice): void {
    if (!splice.isListed) return;
    splice.isListed = false;
    const { next, previous } = splice;
    if (previous === undefined) this.#oldest = next;
    else previous.next = next;
    if (next === undefined) this.#newest = previous;
    else next.previous = previous;
    splice.previous = splice.next = undefined;
  }
}

/** Requests of one deployment that wait for a connection. */
const MAX_WAITING = 1000;
const NO_LINE: LineLimits = { size: 0, timeoutMs: 0 };
const UNREACHABLE = 'The application cannot be reached at the moment.';
