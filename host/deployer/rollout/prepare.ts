import type { Manifest } from '../../bundle/manifest.js';
import { PorticoError } from '../../errors.js';
import type { DeploymentEntry } from '../history/deployment-journal.js';
import type { DeploymentFacts, KeptContent } from '../history/deployment-record.js';
import { checkCron } from '../jobs/cron-timer.js';
import type { Order, Prepared } from '../version.js';
import { RolloutFailure } from './rollout-failure.js';
import type { RolloutParts } from './rollout-parts.js';
import type { SharedStore } from './shared-store.js';

/**
 * First half of a rollout: the content goes into the store and its manifest is read. `use` is called in the turn in
 * which the content is there. Throws RolloutFailure, or the reason of `signal`.
 */
export async function prepare(
  order: Order,
  parts: RolloutParts,
  use: (fingerprint: string) => void,
  signal: AbortSignal,
  trigger: DeploymentFacts['trigger'] = 'files',
): Promise<Prepared> {
  const entry = parts.record(order.name, 'seen', { trigger });
  try {
    return await read(order, parts, entry, use, signal);
  } catch (error) {
    if (error instanceof RolloutFailure) entry.step('failed', { cause: error.reason });
    else entry.drop();
    throw error;
  }
}

async function read(
  order: Order,
  parts: RolloutParts,
  entry: DeploymentEntry,
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
      content = await contentOf(order, parts.store, signal, (fingerprint) =>
        entry.step('validated', factsOf(fingerprint, descriptor?.content)),
      );
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
      for (const { cron, zone } of manifest.settings.schedule ?? []) await checkCron(cron, zone);
    } catch (error) {
      throw new RolloutFailure(name, 'manifest', error, folder);
    }
    if (descriptor !== undefined) await parts.descriptors.keep(descriptor.path, descriptor.content);
    entry.step('expanded', { history: manifest.settings.history });
    const notes = [...content.notes, ...manifest.notes];
    return { ...factsOf(fingerprint, descriptor?.content), folder, manifest, notes, entry };
  }, signal);
}

/**
 * First half of a rollout to content that served before. Throws RolloutFailure when it is not kept any more, or cannot be
 * read by this host.
 */
export async function prepareKept(
  name: string,
  { fingerprint, descriptor }: KeptContent,
  parts: RolloutParts,
  trigger: DeploymentFacts['trigger'],
): Promise<Prepared> {
  const hasFolder = fingerprint !== descriptor;
  const folder = hasFolder ? parts.store.find(fingerprint) : undefined;
  const operatorDescriptor = descriptor === undefined ? undefined : parts.descriptors.find(descriptor);
  if ((hasFolder && folder === undefined) || (descriptor !== undefined && operatorDescriptor === undefined)) {
    const what = `content ${fingerprint.slice(0, 12)} of it is not kept any more`;
    throw new RolloutFailure(name, 'unpack', new PorticoError('PORTICO_ROLLBACK_IMPOSSIBLE', what));
  }
  let manifest: Manifest;
  try {
    manifest = await parts.readManifest({ folder, operatorDescriptor, defaults: parts.defaults });
  } catch (error) {
    throw new RolloutFailure(name, 'manifest', error, folder);
  }
  const facts = factsOf(fingerprint, descriptor);
  const entry = parts.record(name, 'expanded', { trigger, ...facts, history: manifest.settings.history });
  return { ...facts, folder, manifest, notes: manifest.notes, entry };
}

/** A content started once more is a deployment of its own; the first start goes on with what its preparation began. */
export function entryOfStart(name: string, prepared: Prepared, parts: RolloutParts): DeploymentEntry {
  if (prepared.entry.current !== 'expanded') {
    const { fingerprint, descriptor, manifest } = prepared;
    const facts = { ...factsOf(fingerprint, descriptor), history: manifest.settings.history };
    prepared.entry = parts.record(name, 'expanded', { trigger: 'start', ...facts });
  }
  return prepared.entry;
}

function factsOf(fingerprint: string, descriptor: string | undefined): KeptContent {
  return {
    fingerprint,
    key: `${fingerprint}+${descriptor ?? ''}`,
    ...(descriptor === undefined ? {} : { descriptor }),
  };
}

async function contentOf(
  { source, descriptor }: Order,
  store: SharedStore,
  signal: AbortSignal,
  fingerprinted: (fingerprint: string) => void,
): Promise<StoredContent> {
  const { kind, path } = source;
  if (kind !== 'descriptor') return store.put({ kind, path }, signal, fingerprinted);
  fingerprinted(descriptor?.content ?? '');
  return { fingerprint: descriptor?.content ?? '', folder: undefined, notes: [] };
}

interface StoredContent {
  readonly fingerprint: string;
  readonly folder: string | undefined;
  readonly notes: readonly string[];
}
