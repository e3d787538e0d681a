import { PorticoError } from '../../errors.js';

/**
 * How far a deployment, one content on its way through one context, has come:
 * - `seen`: its files are to be taken;
 * - `validated`: name, place and files are in order; the fingerprint of the content is known;
 * - `expanded`: the content is in the store, and its descriptors are right;
 * - `starting`: its processes start;
 * - `healthy`: they are ready and have passed the health gate;
 * - `serving`: every front sends requests to it;
 * - `draining`: no front does; what is in flight finishes, and it stays warm while its successor is on probation;
 * - `stopped`: no process of it is left; the content is kept for a rollback;
 * - `removed`: the content is no longer kept.
 *
 * `failed`: it could not go on; the cause is said with it.
 */
export type DeploymentStep =
  | 'seen'
  | 'validated'
  | 'expanded'
  | 'starting'
  | 'healthy'
  | 'serving'
  | 'draining'
  | 'stopped'
  | 'removed'
  | 'failed';

/**
 * The only table: after which steps each may come; `new`: it may be the first. Content that is in the store already
 * begins as `expanded`. From `draining` back to `serving` is the return to what was kept warm.
 */
const STEP_TABLE: Readonly<Record<DeploymentStep, readonly (DeploymentStep | 'new')[]>> = {
  seen: ['new'],
  validated: ['seen'],
  expanded: ['new', 'validated'],
  starting: ['expanded'],
  healthy: ['starting'],
  serving: ['healthy', 'draining'],
  draining: ['serving', 'failed'],
  stopped: ['seen', 'validated', 'starting', 'healthy', 'serving', 'draining', 'failed'],
  removed: ['expanded', 'stopped', 'failed'],
  failed: ['seen', 'validated', 'expanded', 'starting', 'healthy', 'serving'],
};

/** All steps, in the order of the table. */
export const DEPLOYMENT_STEPS = Object.keys(STEP_TABLE) as readonly DeploymentStep[];

/** Whether the table has this transition; `from` undefined: nothing has happened yet. */
export function mayFollow(from: DeploymentStep | undefined, to: DeploymentStep): boolean {
  return STEP_TABLE[to].includes(from ?? 'new');
}

/** Throws `PORTICO_ILLEGAL_STATE` unless the table has this transition; `deployment` is named in it. */
export function requireStep(deployment: string, from: DeploymentStep | undefined, to: DeploymentStep): void {
  if (mayFollow(from, to)) return;
  throw new PorticoError(
    'PORTICO_ILLEGAL_STATE',
    `${deployment} cannot be ${to}: it is ${from ?? 'new'}. This is possible only when it is ${STEP_TABLE[to].join(' or ')}.`,
  );
}

/** Whether processes of a deployment at this step may run, so that they are gone after the end of the server. */
export function isUnderWay(step: DeploymentStep): boolean {
  return step !== 'expanded' && step !== 'stopped' && step !== 'removed' && step !== 'failed';
}
