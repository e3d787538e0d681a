import type { ApplicationSettings } from '../../config/host-config.js';
import { within } from '../../deadline.js';
import { messageOf, PorticoError } from '../../errors.js';
import { countOf, type DrainReport, drainText, hadOpen } from '../../front/drains/drain-report.js';
import type { InstanceAddress } from '../../front/messages.js';
import type { Departure } from '../../lifecycle/departure.js';
import type { DeploymentChange, DeploymentProcess } from '../../supervisor/deployment-process.js';
import type { DeployerLog } from '../collaborators.js';
import { mayFollow } from '../history/deployment-steps.js';
import type { Order, Prepared, Running, Version } from '../version.js';
import { type HealthQuestion, passHealthGate } from './health-gate.js';
import { entryOfStart } from './prepare.js';
import type { KeptWarm } from './probation.js';
import { RolloutFailure } from './rollout-failure.js';
import type { RolloutParts } from './rollout-parts.js';

/** Beyond the deadlines the supervisor keeps itself; only reached when something is wrong with it. */
const GRACE_MS = 5_000;

/** Others start first. Throws RolloutFailure when that can never be, or the reason of `signal`. */
export async function awaitDependencies(
  { name, order }: Version,
  { manifest, entry }: Prepared,
  { dependencies, isDevelopment, log }: RolloutParts,
  signal: AbortSignal,
): Promise<void> {
  // Of what a developer works on, the others may not be there.
  if (isDevelopment) return;
  try {
    const down = await dependencies.ready(name, manifest.settings.dependsOn, signal);
    if (down.length === 0) return;
    const fields = { application: name, path: order.context.contextPath };
    log.info(fields, `${name}: starts although it depends on what is not running: ${down.join(', ')}`);
  } catch (error) {
    if (signal.aborted) throw error;
    const failure = new RolloutFailure(name, 'dependencies', error);
    if (mayFollow(entry.current, 'failed')) entry.step('failed', { cause: failure.reason });
    throw failure;
  }
}

/**
 * Second half: processes are started until they are ready and healthy. Static folders and redirects need none; of servers
 * elsewhere one must be healthy, unless nothing serves yet that could go on (`mayWait`). Nothing runs after a failure.
 * `onChange` is also called before this has resolved. Throws RolloutFailure, or the reason of `signal`.
 */
export async function begin(
  version: Version,
  prepared: Prepared,
  parts: RolloutParts,
  signal: AbortSignal,
  onChange: (running: Running, change: DeploymentChange) => void,
  mayWait: boolean,
): Promise<Running> {
  const { name } = version;
  const deployment = `${name}@${prepared.fingerprint.slice(0, 12)}-${parts.nextSerial()}`;
  const { settings } = prepared.manifest;
  const entry = entryOfStart(name, prepared, parts);
  const running = (process: DeploymentProcess | undefined): Running => ({
    deployment,
    version,
    prepared,
    process,
    since: new Date().toISOString(),
    entry,
    trouble: undefined,
    isMapped: false,
    gaveUp: undefined,
  });
  const { folder } = prepared;
  const launch = launchOf(version, prepared, deployment, parts);
  if (launch === undefined) {
    entry.step('starting', { deployment });
    entry.step('healthy');
    return running(undefined);
  }
  return parts.starts.run(async () => {
    let process: DeploymentProcess | undefined;
    entry.step('starting', { deployment });
    try {
      process = launch();
      const started = running(process);
      process.onChange((change) => onChange(started, change));
      await readyOrAborted(process, settings, signal);
      if (process.upstreams !== undefined) requireHealthy(process, mayWait);
      else await healthyOrAborted(process, version, settings, signal);
      entry.step('healthy');
      return started;
    } catch (error) {
      if (process !== undefined) await stopProcess(process, settings, parts.log);
      if (signal.aborted) {
        entry.step('stopped', { cause: messageOf(signal.reason) });
        throw signal.reason;
      }
      const isUnhealthy = error instanceof PorticoError && error.code === 'PORTICO_UNHEALTHY';
      const failure = new RolloutFailure(name, isUnhealthy ? 'health' : 'start', error, folder);
      entry.step('failed', { cause: failure.reason });
      throw failure;
    }
  }, signal);
}

/** Starts what a version needs; undefined when the front answers by itself. */
function launchOf(
  { order, isTrial = false }: Version,
  { folder, manifest }: Prepared,
  deployment: string,
  { launcher }: RolloutParts,
): (() => DeploymentProcess) | undefined {
  const { entry, settings } = manifest;
  const { application, version, contextPath } = order.context;
  const { path } = settings.health;
  if (entry.kind === 'upstream' && path !== undefined) {
    const { urls } = entry;
    return () =>
      launcher.watchUpstreams({ deployment, application, urls, health: { ...settings.health, path } });
  }
  const isProcess = entry.kind === 'main' || entry.kind === 'modules' || entry.kind === 'command';
  if (folder === undefined || !isProcess) return undefined;
  const spec = { deployment, application, version, contextPath, folder, manifest };
  const question = questionOf(order, settings);
  const admit =
    question && ((one: InstanceAddress, signal: AbortSignal) => passHealthGate([one], question, signal));
  return () => launcher.launch({ ...spec, ...(isTrial && { isTrial }), ...(admit && { admit }) });
}

/** What runs elsewhere may come up later, which is no reason to take down what works. */
function requireHealthy(process: DeploymentProcess, mayWait: boolean): void {
  if (mayWait || process.upstreams?.().length !== 0) return;
  throw new PorticoError('PORTICO_UNHEALTHY', `no upstream is healthy: ${process.lastOutput().join('; ')}`);
}

async function healthyOrAborted(
  process: DeploymentProcess,
  { order }: Version,
  settings: ApplicationSettings,
  signal: AbortSignal,
): Promise<void> {
  const question = questionOf(order, settings);
  if (question === undefined) return;
  await passHealthGate(process.addresses(), question, signal);
  if (process.addresses().length > 0) return;
  throw new PorticoError('PORTICO_START_FAILED', 'it ended right after it had been healthy');
}

/** Undefined: ready is enough. */
function questionOf({ context }: Order, { health, prefix }: ApplicationSettings): HealthQuestion | undefined {
  const { path } = health;
  if (path === undefined) return undefined;
  return { contextPath: context.contextPath, prefix, health: { ...health, path } };
}

/**
 * The end of what served until now and is out of the mapping: its instances hear that nothing new comes, what is in
 * flight finishes, then the processes stop. A drain time of 0 waits for nothing. With `warm` they stop when that is over,
 * and not at all when it says that they serve again. Never rejects; all trouble is logged.
 */
export async function retire(
  running: Running,
  parts: RolloutParts,
  { drainTimeoutMs, departure, warm }: Retirement,
): Promise<void> {
  const { process, prepared, entry } = running;
  if (mayFollow(entry.current, 'draining')) entry.step('draining');
  let drained: Promise<boolean> | undefined;
  if (drainTimeoutMs > 0) {
    process?.prepareStop?.(departure);
    drained = drain(running, parts, drainTimeoutMs);
  }
  if (warm !== undefined && (await warm.outcome) === 'returned') return;
  if ((await drained) === false) {
    const { deployment, version } = running;
    const isElsewhere = process === undefined || process.upstreams !== undefined;
    const after = isElsewhere ? 'they go on to their end' : 'its processes are stopped';
    parts.log.warn(
      { code: 'PORTICO_DRAIN_INCOMPLETE', application: version.name, deployment },
      `${version.name}: requests to ${deployment} still went on after ${drainTimeoutMs} ms; ${after}`,
    );
  }
  if (process !== undefined) await stopProcess(process, prepared.manifest.settings, parts.log);
  const report = await parts.routes.drainOf?.(running.deployment);
  const hadWork = report !== undefined && hadOpen(report);
  if (mayFollow(entry.current, 'stopped')) entry.step('stopped', hadWork ? { drained: report } : {});
  if (hadWork) logDrain(running, report, parts.log);
  parts.store.collectSoon();
}

function logDrain({ deployment, version }: Running, report: DrainReport, log: DeployerLog): void {
  const fields = { event: 'drained', application: version.name, deployment, ...report };
  const text = `${version.name} has drained: ${drainText(report)}`;
  if (countOf(report.cut) > 0) log.warn(fields, text);
  else log.info(fields, text);
}

/** How something comes to its end. */
export interface Retirement {
  readonly drainTimeoutMs: number;
  /** What its clients are told. */
  readonly departure: Departure;
  /** Undefined: it is not kept warm. */
  readonly warm: KeptWarm | undefined;
}

/** False: something was still in flight at the deadline. */
async function drain(running: Running, parts: RolloutParts, drainTimeoutMs: number): Promise<boolean> {
  const { deployment, version } = running;
  const fields = { code: 'PORTICO_DRAIN_INCOMPLETE', application: version.name, deployment };
  let isIdle = false;
  const wait = parts.routes.whenIdle(deployment, drainTimeoutMs).then(async (idle) => {
    await Promise.allSettled(running.work ?? []);
    isIdle = idle;
  });
  try {
    await within(wait, drainTimeoutMs + (running.work === undefined ? GRACE_MS : 0));
    return isIdle;
  } catch (error) {
    parts.log.error(
      { ...fields, err: error },
      `${version.name}: waiting for its requests failed: ${messageOf(error)}`,
    );
    return true;
  }
}

async function readyOrAborted(
  process: DeploymentProcess,
  settings: ApplicationSettings,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = settings.startTimeoutMs + settings.stopTimeoutMs + GRACE_MS;
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const isReady = await within(Promise.race([process.ready, aborted]), deadlineMs);
    if (!isReady) {
      throw new PorticoError(
        'PORTICO_START_FAILED',
        `it was neither ready nor failed after ${deadlineMs} ms`,
      );
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function stopProcess(
  process: DeploymentProcess,
  settings: ApplicationSettings,
  log: DeployerLog,
): Promise<void> {
  const deadlineMs = settings.stopTimeoutMs + GRACE_MS;
  const fields = { code: 'PORTICO_STOP_FAILED', deployment: process.deployment };
  try {
    if (await within(process.stop(), deadlineMs)) return;
    log.error(
      fields,
      `the processes of ${process.deployment} did not end within ${deadlineMs} ms; look for them by hand`,
    );
  } catch (error) {
    log.error(
      { ...fields, err: error },
      `the processes of ${process.deployment} could not be stopped: ${messageOf(error)}`,
    );
  }
}
