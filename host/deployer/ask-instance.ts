import { PorticoError } from '../errors.js';
import { AbortReason, type RequestHead } from '../exchange/exchange.js';
import { ExchangeClient, type OutgoingExchange } from '../exchange/exchange-client.js';
import type { InstanceAddress } from '../front/messages.js';
import { FieldBlock } from '../http/field-block.js';
import { askProgram } from '../supervisor/command/ask-program.js';

/** A request of the host itself to one instance. */
export interface InstanceQuestion {
  readonly method: string;
  /** Path and query within the application: `/health?deep=1`. */
  readonly path: string;
  /** `''` for ROOT, `/shop` otherwise. */
  readonly contextPath: string;
  /** Whether the application sees the path without the context path. */
  readonly prefix: 'strip' | 'keep';
  /** Names and values, besides `Host`. */
  readonly fields: readonly string[];
  /** From the connection to the answer. */
  readonly timeoutMs: number;
  /** What is waited for: the head of the answer, or all of it. The body is dropped. */
  readonly until: 'head' | 'end';
}

/**
 * Asks an instance not by way of the connectors but as a front would, over the exchange protocol or, where a program
 * serves HTTP by itself, over that; on a connection of its own. Resolves with the status of the answer. Rejects with
 * `PORTICO_INSTANCE_SILENT` when there is none in time or it breaks off, and as `ExchangeClient.connect`; then the
 * request has been given up.
 */
export async function askInstance(
  { socketPath, secret, httpPort }: InstanceAddress,
  question: InstanceQuestion,
): Promise<number> {
  if (httpPort !== undefined) {
    const base = question.prefix === 'keep' ? question.contextPath : '';
    return askProgram({ socketPath, httpPort }, { ...question, path: base + question.path });
  }
  const { timeoutMs } = question;
  const began = performance.now();
  const client = await ExchangeClient.connect({
    socketPath,
    secret,
    connectTimeoutMs: Math.min(timeoutMs, LONGEST_CONNECT_MS),
    onClosed: () => undefined,
    onDraining: () => undefined,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<number>((resolve, reject) => {
      const leftMs = Math.max(0, timeoutMs - (performance.now() - began));
      timer = setTimeout(() => reject(silent(`no answer within ${timeoutMs} ms`)), leftMs);
      const head = headOf(question);
      const isStripped = question.prefix === 'strip';
      const within = isStripped ? head.path.slice(question.contextPath.length) : head.path;
      let answered: number | undefined;
      const exchange: OutgoingExchange = client.open(head, within, {
        interim: () => undefined,
        response: (status, _fields, _body, isComplete) => {
          answered = status;
          if (isComplete || question.until === 'head') resolve(status);
        },
        data: (chunk) => exchange.consumed(chunk.length),
        end: () => resolve(answered ?? 0),
        drain: () => undefined,
        aborted: (reason) => reject(silent(`no whole answer: ${reasonName(reason)}`)),
      });
    });
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

/** A local socket that takes longer belongs to a process that does not answer. */
const LONGEST_CONNECT_MS = 10_000;

function headOf({ method, contextPath, path, fields }: InstanceQuestion): RequestHead {
  const [pathname = '/', query] = path.split(/\?(.*)/s, 2);
  return {
    method,
    path: `${contextPath}${pathname}`,
    query,
    version: '1.1',
    fields: FieldBlock.of(['host', 'localhost', ...fields]),
    authority: 'localhost',
    bodyLength: 0,
    upgrade: undefined,
    expectsContinue: false,
    connection: LOOPBACK,
  };
}

const LOOPBACK = {
  remoteAddress: '127.0.0.1',
  remotePort: 0,
  localAddress: '127.0.0.1',
  localPort: 0,
  isSecure: false,
};

function silent(what: string): PorticoError {
  return new PorticoError('PORTICO_INSTANCE_SILENT', what);
}

function reasonName(reason: AbortReason): string {
  const [name = String(reason)] = Object.entries(AbortReason).find(([, value]) => value === reason) ?? [];
  return name;
}
