import { answerPlainly } from '../runtime/plain-answer.js';
import type { WaitingRequest } from '../runtime/waiting-line.js';
import { deliver } from './deliver.js';
import type { MappedContext } from './mapping.js';

/**
 * What waits in a context goes on to its successor in the mapping, in the order it came: to the same version where
 * several are live. `deployments`: those that are in the new mapping; what waits for one of them stays.
 */
export function handOver(
  from: MappedContext | undefined,
  to: MappedContext | undefined,
  deployments: ReadonlySet<string>,
): void {
  if (from === undefined || from === to) return;
  for (const one of from.versions ?? [from]) {
    const waiting = releasedBy(one, deployments);
    if (waiting.length === 0) continue;
    const successor = to?.versions?.find(({ route }) => route.version === one.route.version) ?? to;
    for (const { exchange } of waiting) {
      one.deployment?.leave();
      if (successor !== undefined) deliver(exchange, successor);
      else answerPlainly(exchange, 404, 'No application is mounted here any more.');
    }
  }
}

/** Answers what waits for an application that will not start any more. */
export function giveUpWaiting(mapped: MappedContext): void {
  for (const { runtime } of mapped.versions ?? [mapped]) runtime.giveUp?.();
}

function releasedBy(
  { runtime, deployment }: MappedContext,
  deployments: ReadonlySet<string>,
): readonly WaitingRequest[] {
  if (deployment !== undefined && deployments.has(deployment.deployment)) return [];
  return runtime.release?.() ?? [];
}
