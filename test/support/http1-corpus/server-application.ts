import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  ARRIVALS_PATH,
  arrived,
  type Sighting,
  SLOW_MS,
  SLOW_PATH,
  statusFor,
  takeArrivals,
} from './sightings.js';

/** A `(req, res)` application that answers with what it saw; for bare `node:http`, and as an entry of a bundle. */
export default function application(request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url = '' } = request;
  if (url === ARRIVALS_PATH) {
    response.end(takeArrivals());
    return;
  }
  const arrival = arrived(method, url);
  const chunks: Buffer[] = [];
  // A body that breaks off is told by `isComplete`.
  request.on('error', () => undefined);
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    arrival.isComplete = true;
    const [path = '', ...rest] = url.split('?');
    response.statusCode = statusFor(path);
    response.setHeader('Content-Type', 'application/json');
    const sighting = {
      ...headOf(request),
      path,
      query: rest.length === 0 ? undefined : rest.join('?'),
      body: Buffer.concat(chunks).toString('latin1'),
      trailers: request.rawTrailers.length === 0 ? undefined : request.rawTrailers,
    } satisfies Sighting;
    const answer = (): unknown => response.end(JSON.stringify(sighting));
    if (path.startsWith(SLOW_PATH)) setTimeout(answer, SLOW_MS);
    else answer();
  });
}

function headOf({ method = '', httpVersion, headers, rawHeaders }: IncomingMessage) {
  const length = headers['content-length'];
  return {
    method,
    version: httpVersion,
    authority: String(headers['x-forwarded-host'] ?? headers.host ?? '').toLowerCase(),
    fields: rawHeaders,
    x: headers['x'] === undefined ? undefined : String(headers['x']),
    bodyLength: length === undefined ? (headers['transfer-encoding'] === undefined ? 0 : -1) : Number(length),
    upgrade: headers.upgrade?.replace(/[ \t]+/g, '') ?? null,
  };
}
