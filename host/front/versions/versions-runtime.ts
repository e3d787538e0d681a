import type { Exchange } from '../../exchange/exchange.js';
import type { Mount, Runtime } from '../../runtime/mount.js';
import { answerPlainly } from '../../runtime/plain-answer.js';
import { deliver } from '../deliver.js';
import type { MappedContext } from '../mapping.js';
import type { VersionRoute, VersionsTarget } from '../messages.js';
import { chooseVersion } from './choose-version.js';
import { PinningExchange } from './pinning-exchange.js';
import { PreviewGuard } from './preview-guard.js';
import { ShadowExchange } from './shadow-exchange.js';

/** Copies of requests to one context that are under way in one front; a further one is not made. */
const MAX_SHADOWS = 64;

/** One live version, with what answers for it. */
export interface MappedVersion extends VersionRoute {
  readonly mapped: MappedContext;
}

/**
 * A context with several live versions: gives each request to the runtime of one of them. It keeps nothing of a request
 * itself; a changed mapping has another one, and the runtimes below live on.
 */
export class VersionsRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly #versions: readonly MappedVersion[];
  readonly #preview: PreviewGuard | undefined;
  readonly #sessionCookies: readonly string[];
  readonly #random: () => number;
  readonly #shadows: readonly MappedVersion[];
  #shadowsUnderWay = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(
    target: Pick<VersionsTarget, 'preview' | 'sessionCookies'>,
    versions: readonly MappedVersion[],
    random = Math.random,
  ) {
    this.#versions = versions;
    this.#shadows = versions.filter(({ shadow }) => shadow !== undefined);
    this.#preview = target.preview === undefined ? undefined : new PreviewGuard(target.preview);
    this.#sessionCookies = target.sessionCookies ?? [];
    this.#random = random;
  }

  handle(exchange: Exchange, mount: Mount): void {
    const { head } = exchange;
    const { index, by } = chooseVersion(
      this.#versions,
      { preview: this.#preview?.asked(exchange), cookies: head.fields.all('cookie') },
      this.#sessionCookies,
      this.#random(),
    );
    const chosen = this.#versions[index];
    if (chosen === undefined) {
      answerPlainly(exchange, 404, 'The version that was asked for is not live here.');
      return;
    }
    const { mapped, pin, version } = chosen;
    const isPreview = by === 'preview';
    // A client that is given a cookie now will come back with it.
    if (!isPreview) mapped.deployment?.pin();
    const isNew = by === 'share' || by === 'veteran';
    deliver(isNew ? new PinningExchange(exchange, pin, mount.path) : exchange, mapped);
    if (this.#shadows.length > 0 && !isPreview) this.#copy(exchange, version);
  }

  retire(onIdle: () => void): void {
    setImmediate(onIdle);
  }

  revive(): void {
    // Nothing is kept here, so there is nothing to undo.
  }

  #copy({ head }: Exchange, version: string): void {
    const { method, bodyLength, upgrade } = head;
    // Safe methods only (RFC 9110 §9.2.1), and nothing that would have to be kept for a second reader.
    if ((method !== 'GET' && method !== 'HEAD') || bodyLength !== 0 || upgrade !== undefined) return;
    for (const { shadow, mapped } of this.#shadows) {
      if (shadow?.of !== version || this.#random() * 100 >= shadow.percent) continue;
      const { deployment } = mapped;
      if (this.#shadowsUnderWay >= MAX_SHADOWS) {
        deployment?.skip();
        continue;
      }
      this.#shadowsUnderWay++;
      const copy: ShadowExchange = new ShadowExchange(head, version, (status) => {
        this.#shadowsUnderWay--;
        // Whoever answers it; it may have waited for another one.
        const answering = (copy.attachment as MappedContext | undefined)?.deployment;
        answering?.finish(status);
        answering?.drain?.spare(copy.head);
      });
      // After everything that this turn has for clients.
      setImmediate(deliver, copy, mapped);
    }
  }
}
