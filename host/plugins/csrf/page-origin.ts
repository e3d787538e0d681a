import type { ApplicationCall } from '../../application/application-call.js';
import { defaultPort } from '../../application/connection-point.js';

/** The URL of a page or origin; undefined when it is not one of HTTP. */
export function originOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}

/**
 * Host that was asked, as pages of `origin` would write it. A port that is not written is that of the scheme, of either
 * side: a proxy may have taken TLS away.
 */
export function askedHost({ request }: ApplicationCall, origin: URL): string {
  const { serverHost, serverPort, scheme } = request.origin;
  const isDefault =
    serverPort === defaultPort(scheme) || serverPort === defaultPort(origin.protocol.slice(0, -1));
  return isDefault ? serverHost : `${serverHost}:${serverPort}`;
}
