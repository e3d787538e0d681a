import { constants, createHash } from 'node:crypto';
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TlsOptions,
} from 'node:tls';
import { PorticoError } from '../../errors.js';
import { ServerNames } from '../../tls/server-names.js';
import type { CertificatePair, CertificateSet, TlsSettings } from '../../tls/tls-settings.js';
import { CHALLENGE_PROTOCOL } from './protocols.js';
import type { Staples } from './staples.js';
import type { TicketKeys } from './ticket-keys.js';

/**
 * What makes the handshakes of one connector with one state of its certificates. Node's TLS servers that listen
 * nowhere: connections are handed to them. Replaced as a whole; a handshake that has begun ends with what it began with.
 */
export interface SecureServers {
  /**
   * The server for clients that ask for this host (SNI), in lower case; always the same for the same certificates. Throws
   * what OpenSSL says about certificates that it cannot use.
   */
  readonly serverFor: (serverName: string | undefined) => Server;
  /** For validators of a certification authority (RFC 8737); undefined when none is expected. */
  readonly challenges: Server | undefined;
  /** Which certificates are shown for a host; undefined when somebody else decides that. */
  readonly setOf: ((serverName: string | undefined) => CertificateSet) | undefined;
}

/**
 * Makes the server of the default certificates; those of the others are made when the first client asks for them, so
 * that thousands of them hold up neither a start nor the connections that live. Throws what OpenSSL says about default
 * certificates that it cannot use; whoever gives the settings has tried all of them.
 *
 * A server for each set, chosen by what the client says first, and no `SNICallback`: that one lays a single certificate of
 * the set over the default ones, so a client that can read another type of key would be shown the default certificate.
 */
export function createSecureServers(
  settings: TlsSettings,
  ticketKeys: TicketKeys,
  staples: Staples,
  protocols: readonly string[],
): SecureServers {
  const { certificates, challenges = [] } = settings;
  const names = new ServerNames<CertificateSet>();
  for (const set of certificates) for (const host of set.hosts) names.add(host, set);
  const standard = certificates.find(({ isDefault }) => isDefault);
  if (standard === undefined)
    throw new PorticoError(
      'PORTICO_TLS_NO_DEFAULT',
      'A connector with TLS has no default certificate; make exactly one set the default.',
    );
  const setOf = (serverName: string | undefined): CertificateSet =>
    (serverName === undefined ? undefined : names.find(withoutDot(serverName))) ?? standard;
  const common: TlsOptions = {
    ...commonOptions(settings, ticketKeys),
    ...clientCertificates(settings),
    handshakeTimeout: BACKUP_TIMEOUT_MS,
    ALPNProtocols: [...protocols],
  };
  const servers = new Map<CertificateSet, Server>();
  const serverOf = (set: CertificateSet): Server => {
    const known = servers.get(set);
    if (known !== undefined) return known;
    const made = createServer({
      ...common,
      ...pairOptions(set.pairs),
      sessionIdContext: sessionContextOf(settings, set),
    });
    // From memory: no handshake waits for a responder.
    if (settings.staples !== undefined)
      made.on('OCSPRequest', (certificate, _issuer, done) => done(null, staples.find(certificate)));
    const own = (made as { readonly _sharedCreds?: SecureContext })._sharedCreds;
    if (own !== undefined) ticketKeys.installIn(own);
    servers.set(set, made);
    return made;
  };
  serverOf(standard);
  return {
    serverFor: (serverName) => serverOf(setOf(serverName)),
    challenges: challenges.length === 0 ? undefined : challengeServer(challenges),
    setOf,
  };
}

/** `shop.example.` is the same host; in the handshake it has no dot (RFC 6066 §3), in the field Host it may. */
function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** A connection cut by its own deadline never sees this one. */
const BACKUP_TIMEOUT_MS = 600_000;

function commonOptions(settings: TlsSettings, ticketKeys: TicketKeys): SecureContextOptions {
  const { minVersion, maxVersion, ciphers, trust, revocationLists = [], sessionLifetimeMs } = settings;
  const { first } = ticketKeys;
  return {
    minVersion,
    maxVersion,
    ciphers,
    honorCipherOrder: true,
    ...(trust.length > 0 && { ca: [...trust] }),
    ...(revocationLists.length > 0 && { crl: [...revocationLists] }),
    sessionTimeout: Math.max(1, Math.floor(sessionLifetimeMs / 1000)),
    ...(first !== undefined && { ticketKeys: first }),
    // Nobody needs renegotiation; TLS 1.3 has none (RFC 9325 §3.5).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (first === undefined ? constants.SSL_OP_NO_TICKET : 0),
  };
}

/**
 * A session that began without the client certificate that is demanded here must not be resumed here, nor one whose
 * certificate may have been revoked since, nor one in which we have proved to be another host (RFC 6066 §3).
 */
function sessionContextOf(
  { clientCertificate, trust, revocationLists = [] }: TlsSettings,
  { hosts }: CertificateSet,
): string {
  const hash = createHash('sha256').update(clientCertificate).update('\0').update(hosts.join());
  for (const pem of [...trust, ...revocationLists]) hash.update('\0').update(pem);
  return hash.digest('hex').slice(0, 32);
}

function clientCertificates({ clientCertificate }: TlsSettings) {
  return {
    requestCert: clientCertificate !== 'none',
    rejectUnauthorized: clientCertificate === 'required',
  };
}

function pairOptions(pairs: readonly CertificatePair[]): { cert: string[]; key: string[] } {
  return { cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) };
}

/** RFC 8737 §3: a connection for the validator alone, closed behind the handshake. */
function challengeServer(challenges: NonNullable<TlsSettings['challenges']>): Server {
  const contexts = new Map(
    challenges.map(({ host, cert, key }) => [host, createSecureContext({ cert, key })]),
  );
  const [any] = challenges;
  return createServer({
    ...(any !== undefined && { cert: any.cert, key: any.key }),
    handshakeTimeout: BACKUP_TIMEOUT_MS,
    ALPNProtocols: [CHALLENGE_PROTOCOL],
    SNICallback: (name, done) => {
      const context = contexts.get(name.toLowerCase());
      done(context === undefined ? new Error(`no challenge for ${name}`) : null, context);
    },
  });
}
