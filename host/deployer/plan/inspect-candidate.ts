import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expandArchive } from '../../bundle/archive.js';
import { fingerprintArchive, fingerprintFolder } from '../../bundle/fingerprint.js';
import type { Manifest } from '../../bundle/manifest.js';
import { readManifest } from '../../bundle/read-manifest.js';
import type { HostConfig } from '../../config/host-config.js';
import { messageOf } from '../../errors.js';
import type { Candidate, CandidateSource } from '../scan/candidate.js';
import type { ContentFact } from './foresee.js';

/** What looking into a bundle goes by. */
export type InspectionSettings = Pick<HostConfig, 'applications' | 'archives'>;

/**
 * Reads what a bundle of the drop folder is, without taking it: an archive is expanded into a temporary folder, which is
 * gone afterwards. Throws what is wrong with it, as PorticoError.
 */
export async function inspectManifest(
  source: CandidateSource,
  operatorDescriptor: string | undefined,
  { applications, archives }: InspectionSettings,
): Promise<Manifest> {
  const given = { operatorDescriptor, defaults: applications };
  if (source.kind === 'descriptor') return readManifest({ folder: undefined, ...given });
  if (source.kind === 'folder') return readManifest({ folder: source.path, ...given });
  const temporary = await mkdtemp(join(tmpdir(), 'portico-validate-'));
  try {
    const folder = join(temporary, 'bundle');
    await expandArchive(source.path, folder, archives);
    return await readManifest({ folder, ...given });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What a foresight must know of a candidate. Never rejects: what is wrong with it is a fact too. */
export async function inspectCandidate(
  candidate: Candidate,
  settings: InspectionSettings,
): Promise<ContentFact> {
  const [source] = candidate.sources;
  const { descriptor } = candidate;
  const problem = descriptor?.problem ?? source?.problem;
  if (source === undefined || problem !== undefined) return { problem: problem ?? 'it has no bundle' };
  try {
    const { settings: wishes } = await inspectManifest(source, descriptor?.path, settings);
    const { startWhen, dependsOn } = wishes;
    return {
      key: `${await fingerprintOf(source, descriptor?.content)}+${descriptor?.content ?? ''}`,
      startWhen,
      dependsOn,
    };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function fingerprintOf({ kind, path }: CandidateSource, descriptor = ''): Promise<string> {
  if (kind === 'archive') return fingerprintArchive(path);
  return kind === 'folder' ? fingerprintFolder(path) : Promise.resolve(descriptor);
}
