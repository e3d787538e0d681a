import { performance } from 'node:perf_hooks';
import { isArchiveComplete } from '../../bundle/archive.js';
import type { HostConfig } from '../../config/host-config.js';
import type { DeployerLog } from '../collaborators.js';
import { Journal } from '../history/journal.js';
import type { Candidate, Scan } from '../scan/candidate.js';
import { Scanner } from '../scan/scan.js';
import { type ContentFact, type DeployedFact, type Foreseen, foresee, namesToLookInto } from './foresee.js';
import { type Known, type PlanSettings, unknown } from './plan.js';

/** What is known when a dry run begins. */
export interface DryRunFrom {
  readonly known: Known;
  readonly scan: Scan;
  readonly settings: PlanSettings;
  readonly deployed: ReadonlyMap<string, DeployedFact>;
  readonly inspect: (candidate: Candidate) => Promise<ContentFact>;
}

/** Looks into what would be taken, and says what would become of it. Changes nothing. */
export async function dryRun({ inspect, ...from }: DryRunFrom): Promise<readonly Foreseen[]> {
  const now = performance.now();
  const { scan } = from;
  const names = namesToLookInto({ ...from, now });
  const contents = new Map<string, ContentFact>();
  if (scan.kind === 'listed') {
    for (const candidate of scan.candidates)
      if (names.has(candidate.name)) contents.set(candidate.name, await inspect(candidate));
  }
  return foresee({ ...from, now, contents });
}

/** The dry run of a host that does not run: what its start would do with the drop folder. */
export async function dryRunOfStart(
  config: HostConfig,
  inspect: (candidate: Candidate) => Promise<ContentFact>,
  log: DeployerLog,
): Promise<readonly Foreseen[]> {
  const { folders, archives, virtualHosts, deployer } = config;
  const journal = await Journal.open(folders.work, log);
  const scan = await new Scanner({
    appsFolder: folders.apps,
    maxEntries: archives.maxEntries,
    isArchiveComplete: (path) => isArchiveComplete(path),
    virtualHosts,
  }).scan();
  const deployed = new Map<string, DeployedFact>();
  for (const name of new Set([...journal.held, ...journal.pins.keys()])) {
    const pin = journal.pins.get(name);
    deployed.set(name, {
      place: '',
      version: '',
      isServing: false,
      key: pin?.key,
      isHeld: journal.held.has(name),
      pin,
    });
  }
  const known = unknown(journal.holders, journal.buried);
  return dryRun({ known, scan, settings: planSettings(deployer.stabilityWindowMs), deployed, inspect });
}

/** An archive without its end is tried, and refused, after this many stability windows without a change. */
const INCOMPLETE_WINDOWS = 10;

/** The durations that the rules of the drop folder go by. */
export function planSettings(stabilityWindowMs: number): PlanSettings {
  return { stabilityWindowMs, incompleteWindowMs: INCOMPLETE_WINDOWS * stabilityWindowMs };
}
