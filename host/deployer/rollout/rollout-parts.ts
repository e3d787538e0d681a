import type { ApplicationSettings } from '../../config/host-config.js';
import type { RouteTable } from '../../front/route-table.js';
import type { Slots } from '../../slots.js';
import type { DeployerLog, Launcher, ManifestReader } from '../collaborators.js';
import type { DeploymentEntry } from '../history/deployment-journal.js';
import type { DeploymentFacts } from '../history/deployment-record.js';
import type { DeploymentStep } from '../history/deployment-steps.js';
import type { KeptDescriptors } from '../history/kept-descriptors.js';
import type { Dependencies } from './dependencies.js';
import type { SharedStore } from './shared-store.js';

/** What every rollout works with; the same for all contexts. */
export interface RolloutParts {
  readonly launcher: Launcher;
  readonly routes: RouteTable;
  readonly store: SharedStore;
  readonly descriptors: KeptDescriptors;
  readonly dependencies: Dependencies;
  /** A deployment begins; what becomes of it is written down. */
  readonly record: (name: string, step: DeploymentStep, facts: DeploymentFacts) => DeploymentEntry;
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
