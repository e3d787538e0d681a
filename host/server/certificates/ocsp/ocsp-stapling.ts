import type { X509Certificate } from 'node:crypto';
import type { OcspView } from '../../../admin/certificates-view.js';
import { PorticoError } from '../../../errors.js';
import type { ServerLog } from '../../../log/server-log.js';
import { Slots } from '../../../slots.js';
import type { StapleChange } from '../../../tls/tls-settings.js';
import { OcspStaple } from './ocsp-staple.js';

/** A certificate whose state is to be stapled. */
export interface StapledCertificate {
  readonly connector: string;
  /** Where it stands in `host.yaml`. */
  readonly place: string;
  readonly hosts: readonly string[];
  readonly fingerprint256: string;
  /** The certificate, then its issuer if it is there. */
  readonly chain: readonly X509Certificate[];
  /** Instead of the responder that the certificate names. */
  readonly responder: string | undefined;
  /** It is shown for a name beside one with another type of key. */
  readonly isOneOfSeveral: boolean;
}

/** What the stapling needs of its owner. */
export interface OcspStaplingOptions {
  /** Those in use now. */
  readonly certificates: () => readonly StapledCertificate[];
  readonly log: ServerLog;
  /** As `OcspStapleOptions.minDelayMs`. */
  readonly minDelayMs?: number;
}

/** Hands staples to the fronts. */
export type TellStaples = (connector: string, changes: readonly StapleChange[]) => Promise<void>;

/**
 * Answers of responders for all certificates of connectors that staple. Nobody waits for it: neither the start nor a
 * handshake. Owned by the server's certificates; works from `start` to `stop`.
 */
export class OcspStapling {
  readonly #options: OcspStaplingOptions;
  /** By connector and fingerprint. */
  #staples = new Map<string, Entry>();
  readonly #slots = new Slots(PARALLEL);
  #tell: TellStaples = async () => undefined;
  #isRunning = false;

  constructor(options: OcspStaplingOptions) {
    this.#options = options;
  }

  start(tell: TellStaples): void {
    this.#tell = tell;
    this.#isRunning = true;
    this.look();
  }

  stop(): void {
    this.#isRunning = false;
    for (const { staple } of this.#staples.values()) staple?.stop();
    this.#tell = async () => undefined;
  }

  /** Certificates may be others now: begins with those that are new, and forgets those that are gone. */
  look(): void {
    if (!this.#isRunning) return;
    const before = this.#staples;
    this.#staples = new Map();
    for (const certificate of this.#options.certificates()) {
      const key = `${certificate.connector} ${certificate.fingerprint256}`;
      const entry = before.get(key) ?? this.#begin(certificate);
      before.delete(key);
      this.#staples.set(key, entry);
    }
    for (const { certificate, staple } of before.values()) {
      staple?.stop();
      const { connector, fingerprint256 } = certificate;
      void this.#tell(connector, [{ fingerprint256 }]);
    }
  }

  /** Asks again at once where the last attempt has failed. */
  retryNow(connector: string | undefined): void {
    for (const { certificate, staple } of this.#staples.values())
      if (connector === undefined || certificate.connector === connector) staple?.retryNow();
  }

  /** What a front is told when it begins to listen. */
  staplesOf(connector: string): StapleChange[] {
    return [...this.#staples.values()]
      .filter(({ certificate }) => certificate.connector === connector)
      .flatMap(({ certificate, staple }) => {
        const shown = staple?.staple;
        return shown === undefined ? [] : [{ fingerprint256: certificate.fingerprint256, ...shown }];
      });
  }

  /** Undefined: its connector does not staple. */
  statusOf(connector: string, fingerprint256: string): OcspView | undefined {
    const entry = this.#staples.get(`${connector} ${fingerprint256}`);
    return entry === undefined ? undefined : (entry.staple?.status ?? impossible(entry.reason));
  }

  #begin(certificate: StapledCertificate): Entry {
    const { log, minDelayMs } = this.#options;
    const { connector, hosts, fingerprint256 } = certificate;
    const facts = { connector, hosts: hosts.slice(0, 10) };
    try {
      const { pair, responder } = pairOf(certificate);
      const staple: OcspStaple = new OcspStaple({
        pair,
        responder,
        facts,
        log,
        inTurn: async (work, signal) => await this.#slots.run(work, signal),
        changed: () => void this.#tell(connector, [{ fingerprint256, ...staple.staple }]),
        ...(minDelayMs !== undefined && { minDelayMs }),
      });
      staple.start();
      return { certificate, staple, reason: undefined };
    } catch (error) {
      if (!(error instanceof PorticoError)) throw error;
      log.warn({ ...facts, event: 'ocsp-impossible', code: error.code }, error.message);
      return { certificate, staple: undefined, reason: error.message };
    }
  }
}

interface Entry {
  readonly certificate: StapledCertificate;
  /** Undefined: impossible, for this reason. */
  readonly staple: OcspStaple | undefined;
  readonly reason: string | undefined;
}

/** Questions at a time. */
const PARALLEL = 4;

function impossible(lastError: string | undefined): OcspView {
  return {
    state: 'impossible',
    responder: undefined,
    until: undefined,
    succeeded: 0,
    failed: 0,
    lastError,
  };
}

function pairOf({ chain: [certificate, issuer], place, responder, isOneOfSeveral }: StapledCertificate) {
  const fail = (reason: string) =>
    new PorticoError(
      'PORTICO_OCSP_IMPOSSIBLE',
      `${place}: nothing is stapled for this certificate: ${reason}`,
    );
  if (isOneOfSeveral)
    throw fail(
      'one of its names has a certificate with another type of key too, and Node does not tell which of them a client gets. Give the name one certificate only.',
    );
  if (certificate === undefined || issuer === undefined)
    throw fail(
      'the certificate of its authority is missing. Add it to the file, behind the certificate itself.',
    );
  const url = responder ?? responderOf(certificate);
  if (url === undefined)
    throw fail(
      'it names no OCSP responder, as the authority has none. Set "tls.ocspResponder" if there is one, or switch "tls.ocspStapling" off.',
    );
  return { pair: { certificate, issuer }, responder: new URL(url) };
}

/** The first that speaks http (RFC 5280 §4.2.2.1). */
function responderOf({ infoAccess = '' }: X509Certificate): string | undefined {
  const urls = [...(infoAccess ?? '').matchAll(/^OCSP - URI:(https?:\/\/[^\s"]+)$/gim)].map(
    ([, url = '']) => url,
  );
  return urls.find((url) => URL.canParse(url));
}
