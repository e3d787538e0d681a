/**
 * A load whose schedule does not wait for answers: each subject is asked at a fixed rate, and the time of an answer counts
 * from the moment when the request was due. What stands still shows up in every request that was due meanwhile; a generator
 * that waits for answers would ask less and hide it.
 *
 * Every second request of a subject comes on a new connection, the others on kept ones. A kept connection that closes
 * under a request is no failure yet: the request is repeated on a new one, as every HTTP client does (RFC 9110 §9.2.2,
 * RFC 9112 §9.3.1), and counted as repeated.
 */
import { Agent, type ClientRequest, get } from 'node:http';

/** What is asked: each request has a number, which most of them have back in the answer. */
export interface Subject {
  readonly name: string;
  readonly path: (number: number) => string;
  /** The only right body. */
  readonly answer: (number: number) => string;
}

/** What came of one request. */
export interface Outcome {
  readonly subject: string;
  /** What went on when it was due. */
  readonly phase: string;
  /** Both in milliseconds of `performance.now()`. */
  readonly dueAt: number;
  readonly endedAt: number;
  /** Undefined when it was answered rightly; else the status, `wrong answer`, `timeout` or the code of the error. */
  readonly failure: string | undefined;
  /** It was sent again on a new connection. */
  readonly isRepeated: boolean;
}

/** A client that waits longer has gone. */
const CLIENT_TIMEOUT_MS = 20_000;
const TICK_MS = 2;

/** Can be started and stopped many times; outcomes of all its times are kept. Whoever starts it stops it. */
export class OpenLoad {
  readonly outcomes: Outcome[] = [];
  /** By how much requests were sent too late, in milliseconds: what the generator itself adds to times. */
  readonly lateness: number[] = [];
  /** Where the connector listens. */
  port: number;
  /** What goes on; requests that become due are counted under it. */
  phase = '';
  readonly #subjects: readonly Subject[];
  readonly #intervalMs: number;
  readonly #underWay = new Set<Promise<void>>();
  #kept = new Agent({ keepAlive: true });
  #timer: NodeJS.Timeout | undefined;
  #number = 0;

  /** `rate`: requests a second to each subject. */
  constructor(subjects: readonly Subject[], rate: number, port: number) {
    this.#subjects = subjects;
    this.#intervalMs = 1000 / (rate * subjects.length);
    this.port = port;
  }

  start(): void {
    let dueAt = performance.now();
    this.#timer = setInterval(() => {
      for (const now = performance.now(); dueAt <= now; dueAt += this.#intervalMs) this.#send(dueAt, now);
    }, TICK_MS);
  }

  /** Resolves when every request has been answered or given up, and every connection is closed. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    this.#kept.destroy();
    this.#kept = new Agent({ keepAlive: true });
  }

  #send(dueAt: number, now: number): void {
    const number = this.#number++;
    const subject = this.#subjects[number % this.#subjects.length] as Subject;
    const round = Math.floor(number / this.#subjects.length);
    this.lateness.push(now - dueAt);
    const { phase } = this;
    const isKept = round % 2 === 0;
    const asked = this.#ask(subject, number, isKept)
      .then(async (first) => {
        const isRepeated = first === REPEATABLE;
        const failure = isRepeated ? await this.#ask(subject, number, false) : first;
        this.outcomes.push({
          subject: subject.name,
          phase,
          dueAt,
          endedAt: performance.now(),
          failure,
          isRepeated,
        });
      })
      .finally(() => this.#underWay.delete(asked));
    this.#underWay.add(asked);
  }

  /** Resolves with the failure. */
  #ask(subject: Subject, number: number, isKept: boolean): Promise<string | undefined> {
    return new Promise((resolve) => {
      const agent = isKept ? this.#kept : false;
      const options = { host: '127.0.0.1', port: this.port, path: subject.path(number), agent };
      const timer = setTimeout(() => {
        resolve('timeout');
        request.destroy();
      }, CLIENT_TIMEOUT_MS);
      const end = (failure: string | undefined) => {
        clearTimeout(timer);
        resolve(failure);
      };
      const request: ClientRequest = get(options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('error', (error) => end(codeOf(error)));
        response.on('end', () => {
          if (response.statusCode !== 200) end(String(response.statusCode));
          else end(body === subject.answer(number) ? undefined : 'wrong answer');
        });
      });
      request.on('error', (error) => {
        const isClosed = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(codeOf(error));
        end(isClosed ? REPEATABLE : codeOf(error));
      });
    });
  }
}

const REPEATABLE = 'a kept connection was closed';

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}
