import { WAIT_MS } from '#test/support/polling.js';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';
import type { Case } from './case.js';
import { ARRIVALS_PATH, type Arrival, type Sighting } from './sightings.js';

/** How the bytes of a case are sent. */
export type Split = 'whole' | 'bytes' | 'lines';

/** What came of a case. */
export interface Attempt {
  /** The statuses in order, then `open`, `close`, or `silence` when nothing came for a while. */
  readonly outcome: string;
  /** The last final response before the probe. */
  readonly last: RawResponse | undefined;
  /** What the application says that it saw of the last request it answered. */
  readonly sighting: Sighting | undefined;
  /** Final responses that the application gave. */
  readonly answered: number;
}

/** So long nothing has to come where silence is what is expected. */
const SILENCE_MS = 300;
const PROBE = 'GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n';

/** Sends a case on a connection of its own and reads the answers. */
export async function attempt(
  port: number,
  one: Case,
  parts: readonly Buffer[],
  deadlineMs = WAIT_MS,
): Promise<Attempt> {
  const client = await RawClient.open(port);
  try {
    for (const part of parts) {
      client.send(part);
      if (parts.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    if (one.end === true) client.socket.end();
    let statuses = '';
    let last: RawResponse | undefined;
    let sighting: Sighting | undefined;
    let answered = 0;
    for (let index = 0; ; ) {
      const method = one.methods?.[index];
      if (one.expect.includes(`${statuses}open`)) {
        client.send(PROBE);
        const answer = await client.response('GET', deadlineMs);
        if (answer?.body.toString().includes('/probe') === true)
          return { outcome: `${statuses}open`, last, sighting, answered };
        return { outcome: `${statuses}${answer?.status ?? ''} not open`, last, sighting, answered };
      }
      const expectsSilence = one.expect.includes(`${statuses}silence`);
      const response = await client
        .response(method, expectsSilence ? SILENCE_MS : deadlineMs)
        .catch((error: Error): undefined => {
          if (!error.message.startsWith('nothing came')) throw error;
          statuses += 'silence';
        });
      if (statuses.endsWith('silence')) return { outcome: statuses, last, sighting, answered };
      if (response === undefined) return { outcome: `${statuses}close`, last, sighting, answered };
      statuses += response.isComplete ? `${response.status} ` : `${response.status} cut `;
      if (response.status < 200) continue;
      index++;
      last = response;
      const isJson = headerOf(response, 'content-type') === 'application/json';
      if (isJson || response.status < 400) answered++;
      if (isJson && response.body.length > 0) sighting = JSON.parse(response.body.toString()) as Sighting;
    }
  } finally {
    client.destroy();
  }
}

/** Asks the application what has reached it, on a connection of its own. */
export class ArrivalsWatch {
  readonly #client: RawClient;

  private constructor(client: RawClient) {
    this.#client = client;
  }

  static async open(port: number): Promise<ArrivalsWatch> {
    return new ArrivalsWatch(await RawClient.open(port));
  }

  /** What has arrived since this was called last, without the probes. */
  async take(): Promise<Arrival[]> {
    this.#client.send(`GET ${ARRIVALS_PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await this.#client.response();
    const arrivals = JSON.parse(answer?.body.toString() ?? 'null') as Arrival[];
    return arrivals.filter(({ line }) => line !== 'GET /probe');
  }

  close(): void {
    this.#client.destroy();
  }
}

/** Single bytes, or lines cut between CR and LF, where a careless reader stumbles. */
export function piecesOf(bytes: Buffer, split: Split): Buffer[] {
  if (split === 'whole') return [bytes];
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (split === 'bytes' || bytes[i] === 0x0d) {
      parts.push(bytes.subarray(start, i + 1));
      start = i + 1;
    }
  }
  parts.push(bytes.subarray(start));
  return parts.filter((part) => part.length > 0);
}
