import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LineLimits } from '../waiting-line.js';
import { type ForwardingLimits, ForwardingProxy } from './forwarding-proxy.js';

/** Requests that one of the servers did not answer, or not to the end. */
export interface UpstreamFailures {
  readonly url: string;
  /** Of the last one. */
  readonly reason: string;
  readonly requests: number;
}

/** A server that could not be reached gets no request for so long, as long as another one can be asked. */
const DOWN_MS = 2_000;
/** In characters. */
const MAX_REASON = 300;
const NONE: readonly UpstreamFailures[] = [];
/** Between two tries of a request that waits. */
const RETRY_MS = 50;

interface Member {
  readonly url: string;
  readonly proxy: ForwardingProxy;
  /** Requests and tunnels at it now. */
  open: number;
  /** It could not be reached; by `performance.now()`. */
  downUntil: number;
}

/**
 * Servers elsewhere that do the same. Each request goes to the one with the fewest open ones. When there is no
 * connection to it, nothing was sent, so a request without a body is taken to the next one; each is asked once at most. When there
 * is no other one it waits, if requests may wait, for who comes in its place. A WebSocket does neither: it gets 502.
 * Owned by the runtime of the context.
 */
export class UpstreamPool {
  readonly #limits: Partial<ForwardingLimits>;
  readonly #queue: LineLimits | undefined;
  #waiting = 0;
  #members: readonly Member[];
  readonly #failures = new Map<string, UpstreamFailures>();
  /** Where the search begins, so that idle servers take turns. */
  #turn = 0;

  constructor(urls: readonly string[], limits: Partial<ForwardingLimits> = {}, queue?: LineLimits) {
    this.#limits = limits;
    this.#queue = queue;
    this.#members = urls.map((url) => this.#memberOf(url));
  }

  /** From now on only these are asked; what is open at others goes on. */
  use(urls: readonly string[]): void {
    const before = this.#members;
    this.#members = urls.map((url) => before.find((member) => member.url === url) ?? this.#memberOf(url));
    for (const member of before) if (!this.#members.includes(member)) member.proxy.close();
  }

  web(incoming: IncomingMessage, response: ServerResponse): void {
    this.#web(incoming, response, [], performance.now());
  }

  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const member = this.#choose([]);
    if (member === undefined) return;
    this.#enter(member, socket);
    // Afterwards http-proxy ends the socket of the client, so nobody else can answer.
    member.proxy.upgrade(incoming, socket, head, () => this.#suspend(member));
  }

  /** What has failed since the last call. Each try counts, also one that another server made good. */
  takeFailures(): readonly UpstreamFailures[] {
    if (this.#failures.size === 0) return NONE;
    const failures = [...this.#failures.values()];
    this.#failures.clear();
    return failures;
  }

  /** Ends idle connections; the others end with their requests. */
  close(): void {
    for (const { proxy } of this.#members) proxy.close();
  }

  #web(incoming: IncomingMessage, response: ServerResponse, asked: readonly Member[], since: number): void {
    const member = this.#choose(asked);
    if (member === undefined) return;
    const leave = this.#enter(member, response);
    member.proxy.web(incoming, response, (mayAskElsewhere) => {
      this.#suspend(member);
      if (!mayAskElsewhere) return false;
      if (this.#hasOther(member, asked)) this.#web(incoming, response, [...asked, member], since);
      else if (!this.#wait(incoming, response, since)) return false;
      leave();
      return true;
    });
  }

  /** False: there is no room for it, or it has waited long enough. */
  #wait(incoming: IncomingMessage, response: ServerResponse, since: number): boolean {
    const { size, timeoutMs } = this.#queue ?? { size: 0, timeoutMs: 0 };
    if (this.#waiting >= size || performance.now() > since + timeoutMs) return false;
    this.#waiting++;
    setTimeout(() => {
      this.#waiting--;
      if (!response.destroyed) this.#web(incoming, response, [], since);
    }, RETRY_MS);
    return true;
  }

  #memberOf(url: string): Member {
    const proxy = new ForwardingProxy(new URL(url), this.#limits, (reason, isUnreachable) => {
      // Whoever may be waited for is being started, which is told elsewhere.
      if (isUnreachable && this.#queue !== undefined) return;
      const requests = (this.#failures.get(url)?.requests ?? 0) + 1;
      this.#failures.set(url, { url, reason: reason.slice(0, MAX_REASON), requests });
    });
    return { url, proxy, open: 0, downUntil: 0 };
  }

  #suspend(member: Member): void {
    member.downUntil = performance.now() + DOWN_MS;
  }

  #enter(member: Member, until: ServerResponse | Duplex): () => void {
    member.open++;
    const leave = (): void => {
      until.off('close', leave);
      member.open--;
    };
    until.once('close', leave);
    return leave;
  }

  /** The least busy of those that are not down; when all are, the one that has been down longest. */
  #choose(asked: readonly Member[]): Member | undefined {
    const now = performance.now();
    const count = this.#members.length;
    let best: Member | undefined;
    this.#turn = (this.#turn + 1) % count;
    for (let i = 0; i < count; i++) {
      const member = this.#members[(this.#turn + i) % count];
      if (member === undefined || asked.includes(member)) continue;
      if (best === undefined || isBetter(member, best, now)) best = member;
    }
    return best;
  }

  #hasOther(member: Member, asked: readonly Member[]): boolean {
    return this.#members.some((other) => other !== member && !asked.includes(other));
  }
}

function isBetter(member: Member, best: Member, now: number): boolean {
  const isDown = member.downUntil > now;
  const isBestDown = best.downUntil > now;
  if (isDown !== isBestDown) return isBestDown;
  return isDown ? member.downUntil < best.downUntil : member.open < best.open;
}
