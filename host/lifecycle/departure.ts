/**
 * Why a deployment gets no more requests. `replaced`: its context goes on with another one, so that clients who come back
 * at once find somebody; `ended`: nobody answers there for now, or the host stops.
 */
export type Departure = 'replaced' | 'ended';

/** What a WebSocket client is told at the end: the code and the reason of the close frame. */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
}

/**
 * 1012 is "service restart" of the IANA registry of close codes (RFC 6455 §11.7): come back. 1001 is "going away"
 * (RFC 6455 §7.4.1).
 */
export const FAREWELLS: Readonly<Record<Departure, Farewell>> = {
  replaced: { code: 1012, reason: 'the application is restarting' },
  ended: { code: 1001, reason: 'the application is stopping' },
};
