import { setTimeout as delay } from 'node:timers/promises';
import { type Application, type ApplicationCall, ApplicationCallPipeline } from 'portico';
import {
  ARRIVALS_PATH,
  arrived,
  type Sighting,
  SLOW_MS,
  SLOW_PATH,
  statusFor,
  takeArrivals,
} from './sightings.js';

/** A module that answers every call with what it saw. */
export function conformance(application: Application): void {
  application.intercept(ApplicationCallPipeline.Call, ({ call }) => answer(call));
}

async function answer(call: ApplicationCall): Promise<void> {
  const { request } = call;
  if (request.path === ARRIVALS_PATH) return call.respondText(takeArrivals());
  const arrival = arrived(request.method, request.uri);
  const body = await call.receiveBytes();
  arrival.isComplete = true;
  const { method, path, version, authority } = request;
  const sighting = {
    method,
    path,
    query: request.uri.includes('?') ? request.queryString : undefined,
    version,
    authority,
    fields: request.headers.toFlat(),
    x: request.header('x'),
    bodyLength: request.contentLength ?? -1,
    upgrade: request.header('upgrade')?.replace(/[ \t]+/g, '') ?? null,
    body: body.toString('latin1'),
    trailers: undefined,
  } satisfies Sighting;
  if (path.startsWith(SLOW_PATH)) await delay(SLOW_MS);
  return call.respondText(JSON.stringify(sighting), 'application/json', statusFor(path));
}
