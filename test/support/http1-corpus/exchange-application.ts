import type { Exchange } from '#host/exchange/exchange.js';
import { look, tellSighting } from '#test/support/echo.js';
import { ARRIVALS_PATH, arrived, SLOW_MS, SLOW_PATH, statusFor, takeArrivals } from './sightings.js';

/** A handler of exchanges that answers with what it saw, when the body is complete; sends 100 when that is awaited. */
export function application(exchange: Exchange): void {
  const { method, path } = exchange.head;
  if (path === ARRIVALS_PATH) {
    exchange.respond(200, [], takeArrivals());
    return;
  }
  const arrival = arrived(method, path);
  look(exchange, (sighting) => {
    arrival.isComplete = true;
    const respond = (): void => tellSighting(exchange, sighting, statusFor(path));
    if (path.startsWith(SLOW_PATH)) setTimeout(respond, SLOW_MS);
    else respond();
  });
}
