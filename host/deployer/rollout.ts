import type { Manifest } from '../bundle/manifest.js';
import type { ApplicationSettings } from '../config/host-config.js';
import { within } from '../deadline.js';
import { messageOf, PorticoError } from '../errors.js';
import type { RouteTable } from '../front/route-table.js';
import type { DeploymentChange, DeploymentProcess } from '../supervisor/deployment-process.js';
import type { DeployerLog, Launcher, ManifestReader } from './collaborators.js';
import { RolloutFailure } from './rollout-failure.js';
import type { SharedStore } from './shared-store.js';
import type { Slots } from './slots.js';
import type { Order, Prepared, Running, Version } from './version.js';

/** What every rollout works with; the same for all contexts. */
export interface RolloutParts {
  readonly launcher: Launcher;
  readonly routes: RouteTable;
  readonly store: SharedStore;
  readonly readManifest: ManifestReader;
  readonly defaults: ApplicationSettings;
  /** Bound what is unpacked and started at the same time, over all contexts. */
  readonly preparations: Slots;
  readonly starts: Slots;
  readonly log: DeployerLog;
  /**
   * For developers: a change ends the old processes before the new ones start, requests wait meanwhile, and what fails
   * shows why.
   */
  readonly isDevelopment: boolean;
  /** A number never given before; makes ids of deployments unique. */
  readonly nextSerial: () => number;
}

/** Beyond the deadlines the supervisor keeps itself; only reached when something is wrong with it. */
const GRACE_MS = 5_000;

/**
 * First half of a rollout: the content goes into the store and its manifest is read. `use` is called in the turn in
 * which the content is there. Throws RolloutFailure, or the reason of `signal`.
 */
export async function prepare(
  order: Order,
  parts: RolloutParts,
  use: (fingerprint: string) => void,
  signal: AbortSignal,
): Promise<Prepared> {
  return parts.preparations.run(async () => {
    const { name, descriptor, source } = order;
    if (source.problem !== undefined) {
      throw new RolloutFailure(name, 'read', new PorticoError('PORTICO_BUNDLE_UNREADABLE', source.problem));
    }
    let content: StoredContent;
    try {
      content = await contentOf(order, parts.store, signal);
      use(content.fingerprint);
    } catch (error) {
      // Files that change while they are read will be seen by the next scan; that is no failure of the bundle.
      const isInterrupted = error instanceof PorticoError && error.code === 'PORTICO_BUNDLE_CHANGED';
      throw isInterrupted || signal.aborted ? error : new RolloutFailure(name, 'unpack', error);
    }
    signal.throwIfAborted();
    const { fingerprint, folder } = content;
    let manifest: Manifest;
    try {
      const operatorDescriptor = descriptor?.path;
      manifest = await parts.readManifest({ folder, operatorDescriptor, defaults: parts.defaults });
    } catch (error) {
      throw new RolloutFailure(name, 'manifest', error, folder);
    }
    const key = `${fingerprint}+${descriptor?.content ?? ''}`;
    return { fingerprint, key, folder, manifest, notes: [...content.notes, ...manifest.notes] };
  }, signal);
}

async function contentOf(
  { source, descriptor }: Order,
  store: SharedStore,
  signal: AbortSignal,
): Promise<StoredContent> {
  const { kind, path } = source;
  if (kind !== 'descriptor') return store.put({ kind, path }, signal);
  return { fingerprint: descriptor?.content ?? '', folder: undefined, notes: [] };
}

interface StoredContent {
  readonly fingerprint: string;
  readonly folder: string | undefined;
  readonly notes: readonly string[];
}

/**
 * Second half: processes are started until they are ready. Static folders, upstreams and redirects need none. Nothing runs after
 * a failure. `onChange` is also called before this has resolved. Throws RolloutFailure, or the reason of `signal`.
 */
export async function begin(
  version: Version,
  prepared: Prepared,
  parts: RolloutParts,
  signal: AbortSignal,
  onChange: (running: Running, change: DeploymentChange) => void,
): Promise<Running> {
  const { name, order } = version;
  const deployment = `${name}@${prepared.fingerprint.slice(0, 12)}-${parts.nextSerial()}`;
  const { kind } = prepared.manifest.entry;
  const running = (process: DeploymentProcess | undefined): Running => ({
    deployment,
    version,
    prepared,
    process,
    since: new Date().toISOString(),
    trouble: undefined,
    isMapped: false,
    gaveUp: undefined,
  });
  const { folder } = prepared;
  if ((kind !== 'main' && kind !== 'modules') || folder === undefined) return running(undefined);
  return parts.starts.run(async () => {
    let process: DeploymentProcess | undefined;
    try {
      process = parts.launcher.launch({
        deployment,
        application: order.context.application,
        version: order.context.version,
        contextPath: order.context.contextPath,
        folder,
        manifest: prepared.manifest,
      });
      const started = running(process);
      process.onChange((change) => onChange(started, change));
      await readyOrAborted(process, prepared.manifest.settings, signal);
      if (process.addresses().length === 0) {
        throw new PorticoError('PORTICO_START_FAILED', 'it ended right after it had been ready');
      }
      return started;
    } catch (error) {
      if (process !== undefined) await stopProcess(process, prepared.manifest.settings, parts.log);
      if (signal.aborted) throw signal.reason;
      throw new RolloutFailure(name, 'start', error, folder);
    }
  }, signal);
}

/**
 * The end of what served until now and is out of the mapping: its instances hear that nothing new comes, what is in
 * flight finishes, then the processes stop. A drain time of 0 waits for nothing. Never rejects; all trouble is logged.
 */
export async function retire(running: Running, parts: RolloutParts, drainTimeoutMs: number): Promise<void> {
  const { process, prepared } = running;
  if (drainTimeoutMs > 0) {
    process?.prepareStop?.();
    await drain(running, parts, drainTimeoutMs);
  }
  if (process !== undefined) await stopProcess(process, prepared.manifest.settings, parts.log);
  parts.store.collectSoon();
}

async function drain(running: Running, parts: RolloutParts, drainTimeoutMs: number): Promise<void> {
  const { deployment, version } = running;
  const fields = { code: 'PORTICO_DRAIN_INCOMPLETE', application: version.name, deployment };
  let isIdle = false;
  const wait = parts.routes.whenIdle(deployment, drainTimeoutMs).then((idle) => {
    isIdle = idle;
  });
  try {
    await within(wait, drainTimeoutMs + GRACE_MS);
    if (isIdle) return;
    parts.log.warn(
      fields,
      `${version.name}: requests to ${deployment} still went on after ${drainTimeoutMs} ms; they are cut`,
    );
  } catch (error) {
    parts.log.error(
      { ...fields, err: error },
      `${version.name}: waiting for its requests failed: ${messageOf(error)}`,
    );
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
