import { parseCookieHeader } from '../../http/cookie-header.js';

/** Name of the cookie that keeps a client on its version. Its path is the context path, its value the version's `pin`. */
export const PIN_COOKIE = 'portico-version';

/** What the choice needs to know of one live version. */
export interface Choosable {
  readonly version: string;
  /** Cookie value of the clients that stay with it. No two contexts or versions have the same. */
  readonly pin: string;
  /** Its part of the new clients, compared with those of the others; 0: none. */
  readonly weight: number;
  /** Clients that are known to the application from before the others were live stay with it. */
  readonly isVeteran?: boolean;
}

/** What a request says about the version it wants. */
export interface VersionWish {
  /** `Portico-Version`, from whoever may ask for a version; undefined otherwise. */
  readonly preview: string | undefined;
  /** Values of `Cookie`, as sent. */
  readonly cookies: readonly string[];
}

/** How a version was found. `preview`: by the header; `pin`: by the cookie; `veteran`: by a session from before; `share`: by weight. */
export type ChosenBy = 'preview' | 'pin' | 'veteran' | 'share';

/** The version of one request. `index` -1: it asked for one that is not live. */
export interface VersionChoice {
  readonly index: number;
  readonly by: ChosenBy;
}

/**
 * Which version answers a request:
 *
 * 1. the one that the preview header names, if the client may ask;
 * 2. the one that the pin cookie names; a cookie of another context, of a version that is gone, or one that somebody
 *    has made up, names none;
 * 3. the version from before, for a client with one of `sessionCookies` and without a pin: the application knows it;
 * 4. by weight. `random` is in [0, 1).
 *
 * There is at least one version, and one of them has a weight.
 */
export function chooseVersion(
  versions: readonly Choosable[],
  wish: VersionWish,
  sessionCookies: readonly string[],
  random: number,
): VersionChoice {
  if (wish.preview !== undefined) {
    return { index: versions.findIndex(({ version }) => version === wish.preview), by: 'preview' };
  }
  let hasSession = false;
  for (const [name, value] of parseCookieHeader(wish.cookies)) {
    if (name === PIN_COOKIE) {
      // The cookie of a context above this one comes too; only ours is known here.
      const index = versions.findIndex(({ pin }) => pin === value);
      if (index >= 0) return { index, by: 'pin' };
    } else if (sessionCookies.includes(name)) hasSession = true;
  }
  if (hasSession) {
    const index = versions.findIndex(({ isVeteran }) => isVeteran === true);
    if (index >= 0) return { index, by: 'veteran' };
  }
  return { index: byWeight(versions, random), by: 'share' };
}

function byWeight(versions: readonly Choosable[], random: number): number {
  let total = 0;
  for (const { weight } of versions) total += weight;
  let left = random * total;
  let last = 0;
  for (const [index, { weight }] of versions.entries()) {
    if (weight <= 0) continue;
    if (left < weight) return index;
    left -= weight;
    last = index;
  }
  // Only by rounding.
  return last;
}
