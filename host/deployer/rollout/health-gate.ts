import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthSettings } from '../../config/health-settings.js';
import { messageOf, PorticoError } from '../../errors.js';
import type { InstanceAddress } from '../../front/messages.js';
import { askInstance } from '../ask-instance.js';

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
  const { contextPath, prefix, health } = question;
  const { path, timeoutMs } = health;
  const fields = ['user-agent', 'portico-health'];
  return askInstance(address, { method: 'GET', path, contextPath, prefix, fields, timeoutMs, until: 'head' });
}
