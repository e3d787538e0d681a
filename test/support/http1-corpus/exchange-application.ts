import type { Exchange } from '#host/exchange/exchange.js';
import type { FieldBlock } from '#host/http/field-block.js';
import {
  ARRIVALS_PATH,
  arrived,
  type Sighting,
  SLOW_MS,
  SLOW_PATH,
  statusFor,
  takeArrivals,
} from './sightings.js';

/** A handler of exchanges that answers with what it saw, when the body is complete; sends 100 when that is awaited. */
export function application(exchange: Exchange): void {
  const { head } = exchange;
  const { method, path, query, version, authority } = head;
  if (path === ARRIVALS_PATH) {
    exchange.respond(200, [], takeArrivals());
    return;
  }
  const arrival = arrived(method, path);
  const chunks: Buffer[] = [];
  const answer = (trailers: FieldBlock | undefined): void => {
    arrival.isComplete = true;
    const sighting = {
      method,
      path,
      query,
      version,
      authority,
      fields: head.fields.flat(),
      x: head.fields.get('x'),
      bodyLength: head.bodyLength,
      upgrade: head.upgrade ?? null,
      body: Buffer.concat(chunks).toString('latin1'),
      trailers: trailers?.flat(),
    } satisfies Sighting;
    const respond = (): void =>
      exchange.respond(statusFor(path), ['Content-Type', 'application/json'], JSON.stringify(sighting));
    if (path.startsWith(SLOW_PATH)) setTimeout(respond, SLOW_MS);
    else respond();
  };
  if (head.upgrade !== undefined) {
    answer(undefined);
    return;
  }
  exchange.listen({
    data(chunk) {
      chunks.push(chunk);
      exchange.consumed(chunk.length);
    },
    end: answer,
    drain: () => undefined,
    aborted: () => undefined,
  });
  if (head.expectsContinue) exchange.interim(100, []);
}
