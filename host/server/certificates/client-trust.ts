import { X509Certificate } from 'node:crypto';
import type { TlsConfig } from '../../config/tls-config.js';
import { messageOf } from '../../errors.js';
import { type Validity, validityOf } from '../../tls/certificate-facts.js';
import { unusable } from '../../tls/key-entry.js';
import { type RevocationList, readRevocationLists } from '../../tls/revocation-list.js';
import { readSmall, readTrust } from './read-certificate.js';

/** Who vouches for the certificates of clients, and which of them count no more. */
export interface ClientTrust {
  /** Certificates of authorities, PEM. */
  readonly trust: readonly string[];
  readonly lists: readonly RevocationList[];
}

/** What is to be used, and what was wrong with the files. */
export interface ReadClientTrust extends ClientTrust {
  /** Each with its place. Not empty: what was known is used. */
  readonly problems: readonly string[];
  /** When a list that was left aside because its time has not come can be used. */
  readonly dueAt: Date | undefined;
}

/**
 * Reads authorities and revocation lists. They are taken together or not at all: an authority without its list would mean
 * that every client of it is refused. A list whose time is over replaces none that is believed; without such a one it is
 * taken, and clients with certificates are refused until there is another.
 */
export async function readClientTrust(
  config: TlsConfig,
  known: ClientTrust | undefined,
  now = new Date(),
): Promise<ReadClientTrust> {
  const kept = known ?? { trust: [], lists: [] };
  const { trustFiles, revocationListFiles, place } = config;
  let at = `${place}.trust`;
  try {
    const trust = await readTrust(trustFiles);
    at = `${place}.revocationLists`;
    const lists: RevocationList[] = [];
    for (const file of revocationListFiles)
      lists.push(...(await readRevocationLists(await readSmall(file, MAX_LIST_BYTES), trust, file)));
    if (lists.length > 0) checkComplete(trust, lists);
    const wrong = lists.find((list) => validityOfList(list, now) !== 'valid');
    const wasValid =
      kept.lists.length > 0 && kept.lists.every((list) => validityOfList(list, now) === 'valid');
    if (wrong === undefined || !wasValid) return { trust, lists, problems: [], dueAt: undefined };
    const isEarly = validityOfList(wrong, now) === 'not-yet-valid';
    const problem = `${at}: ${problemOf(wrong, now)} The lists in use stay.`;
    return { ...kept, problems: [problem], dueAt: isEarly ? wrong.thisUpdate : undefined };
  } catch (error) {
    return { ...kept, problems: [`${at}: ${messageOf(error)}`], dueAt: undefined };
  }
}

/** Clients whose authority has a list that is not `valid` are refused by OpenSSL. */
export function validityOfList({ thisUpdate, nextUpdate }: RevocationList, now: Date): Validity {
  return validityOf({ notBefore: thisUpdate, notAfter: nextUpdate ?? now }, now);
}

/** What is wrong with a list whose time is not now. */
export function problemOf({ file, issuer, thisUpdate, nextUpdate }: RevocationList, now: Date): string {
  return thisUpdate > now
    ? `The revocation list of ${issuer} in ${file} is valid from ${thisUpdate.toISOString()} on only. Look at the clock of this machine (${now.toISOString()}).`
    : `The revocation list of ${issuer} in ${file} has expired on ${nextUpdate?.toISOString()}. Fetch it anew from the authority.`;
}

/** Lists of large authorities have some megabytes. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** With lists OpenSSL wants one of every authority. */
function checkComplete(trust: readonly string[], lists: readonly RevocationList[]): void {
  const issuers = new Set(lists.map(({ issuer }) => issuer));
  if (issuers.size >= new Set(trust.map((pem) => new X509Certificate(pem).subject)).size) return;
  throw unusable(
    `There are lists of ${[...issuers].join('; ')}, but not of every authority of "trust"; all clients of the others would be refused. Add their lists, empty ones if nothing is revoked.`,
  );
}
