import { type ClientRequest, globalAgent } from 'node:http';
import { PorticoError } from '../../errors.js';
import { isInternalAuthority } from '../../http/internal-name.js';
import type { CallCredentials } from './call-credentials.js';

/** What `http.Agent` is asked by each request; its type leaves it out. */
interface RequestTaker {
  addRequest(request: ClientRequest, options: RequestPlace, ...rest: readonly unknown[]): unknown;
}

interface RequestPlace {
  readonly host?: string | null;
  readonly socketPath?: string | null;
}

/**
 * Leads requests of `node:http` for the hosts of applications to the socket of the host, where they use the agent that
 * requests have by themselves. Does nothing where that has changed inside. `http.request` throws `PORTICO_CALL_UNSUPPORTED`
 * for a request whose head Node has written already.
 */
export function wrapGlobalAgent(credentials: CallCredentials): void {
  const agent = globalAgent as unknown as RequestTaker;
  const original: unknown = agent.addRequest;
  if (typeof original !== 'function') return;
  agent.addRequest = (request, options, ...rest) => {
    if (!isInternalAuthority((options.host ?? '').toLowerCase()) || typeof options.socketPath === 'string')
      return Reflect.apply(original, agent, [request, options, ...rest]);
    if (request.headersSent) throw tooLate();
    for (const [name, value] of Object.entries(credentials.fields(request.getHeader('portico-hops'))))
      request.setHeader(name, value);
    const place: RequestPlace = { ...options, socketPath: credentials.socketPath };
    return Reflect.apply(original, agent, [request, place, ...rest]);
  };
}

function tooLate(): PorticoError {
  return new PorticoError(
    'PORTICO_CALL_UNSUPPORTED',
    'Nothing can be added to the head of this request, so it cannot prove who calls. Give headers as an object, not as a list, and no Expect.',
  );
}
