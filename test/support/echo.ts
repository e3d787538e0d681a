import type { Exchange } from '#host/exchange/exchange.js';
import type { FieldBlock } from '#host/http/field-block.js';
import type { Sighting } from '#test/support/http1-corpus/sightings.js';

/** Reads a request to its end and tells what it was; sends 100 when that is awaited. */
export function look(exchange: Exchange, seen: (sighting: Sighting) => void): void {
  const { head } = exchange;
  const chunks: Buffer[] = [];
  const tell = (trailers: FieldBlock | undefined): void =>
    seen({
      method: head.method,
      path: head.path,
      query: head.query,
      version: head.version,
      authority: head.authority,
      fields: head.fields.flat(),
      x: head.fields.get('x'),
      bodyLength: head.bodyLength,
      upgrade: head.upgrade ?? null,
      body: Buffer.concat(chunks).toString('latin1'),
      trailers: trailers?.flat(),
    });
  if (head.upgrade !== undefined) {
    tell(undefined);
    return;
  }
  exchange.listen({
    data(chunk) {
      chunks.push(chunk);
      exchange.consumed(chunk.length);
    },
    end: tell,
    drain: () => undefined,
    aborted: () => undefined,
  });
  if (head.expectsContinue) exchange.interim(100, []);
}

/** Answers with what was seen, as JSON. */
export function tellSighting(exchange: Exchange, sighting: Sighting, status = 200): void {
  exchange.respond(status, ['Content-Type', 'application/json'], JSON.stringify(sighting));
}

/** A handler that answers with what it saw of the request, when its body is complete. */
export function echo(exchange: Exchange): void {
  look(exchange, (sighting) => tellSighting(exchange, sighting));
}
