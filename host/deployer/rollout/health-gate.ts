import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthSettings } from '../../config/health-settings.js';
import { messageOf, PorticoError } from '../../errors.js';
import { AbortReason, type RequestHead } from '../../exchange/exchange.js';
import { ExchangeClient } from '../../exchange/exchange-client.js';
import type { InstanceAddress } from '../../front/messages.js';
import { FieldBlock } from '../../http/field-block.js';
import { askProgram } from './ask-program.js';

/** What is asked, and how. */
export interface HealthQuestion {
  /** `''` for ROOT, `/shop` otherwise. */
  readonly contextPath: string;
  /** Whether the application sees the path without the context path. */
  readonly prefix: 'strip' | 'keep';
  /** With a path. */
  readonly health: HealthSettings & { readonly path: string };
}

/**
 * Asks each instance for its health, not by way of the connectors but as a front would: over the exchange protocol, before
 * any request of a client can reach it. Resolves when all have given a healthy status. Throws `PORTICO_UNHEALTHY` when
 * one has not after the last try, or the reason of `signal`.
 */
export async function passHealthGate(
  addresses: readonly InstanceAddress[],
  question: HealthQuestion,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(addresses.map((address) => pass(address, question, signal)));
}

async function pass(address: InstanceAddress, question: HealthQuestion, signal: AbortSignal): Promise<void> {
  const { path, status, retries, intervalMs } = question.health;
  let answer = '';
  for (let attempt = 0; attempt <= retries; attempt++) {
    if (attempt > 0) await sleep(intervalMs, undefined, { signal });
    signal.throwIfAborted();
    try {
      const got = await ask(address, question);
      if (got >= status.from && got <= status.to) return;
      answer = `status ${got}, which is not within ${status.from}-${status.to}`;
    } catch (error) {
      answer = messageOf(error);
    }
  }
  const tries = retries === 0 ? '' : ` after ${retries + 1} tries`;
  throw new PorticoError(
    'PORTICO_UNHEALTHY',
    `${address.instance} is not healthy${tries}: GET ${path} gave ${answer}`,
  );
}

/** The status of the answer; its body is dropped. */
async function ask(address: InstanceAddress, question: HealthQuestion): Promise<number> {
  const { timeoutMs, path } = question.health;
  if (address.httpPort !== undefined) {
    const above = question.prefix === 'keep' ? question.contextPath : '';
    return askProgram(address, above + path, timeoutMs);
  }
  const { socketPath, secret } = address;
  const client = await ExchangeClient.connect({
    socketPath,
    secret,
    connectTimeoutMs: timeoutMs,
    onClosed: () => undefined,
    onDraining: () => undefined,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<number>((resolve, reject) => {
      timer = setTimeout(() => reject(unanswered(`no answer within ${timeoutMs} ms`)), timeoutMs);
      const head = headOf(question);
      const isStripped = question.prefix === 'strip';
      const within = isStripped ? head.path.slice(question.contextPath.length) : head.path;
      client.open(head, within, {
        interim: () => undefined,
        response: (status) => resolve(status),
        data: () => undefined,
        end: () => undefined,
        drain: () => undefined,
        aborted: (reason) => reject(unanswered(`no answer: ${reasonName(reason)}`)),
      });
    });
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

function headOf({ contextPath, health: { path } }: HealthQuestion): RequestHead {
  const [pathname = '/', query] = path.split(/\?(.*)/s, 2);
  return {
    method: 'GET',
    path: `${contextPath}${pathname}`,
    query,
    version: '1.1',
    fields: FieldBlock.of(['host', 'localhost', 'user-agent', 'portico-health']),
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

function unanswered(what: string): PorticoError {
  return new PorticoError('PORTICO_UNHEALTHY', what);
}

function reasonName(reason: AbortReason): string {
  const [name = String(reason)] = Object.entries(AbortReason).find(([, value]) => value === reason) ?? [];
  return name;
}
