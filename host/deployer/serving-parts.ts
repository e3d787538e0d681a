import type { VersionMemory } from './live/version-memory.js';
import type { RolloutParts } from './rollout/rollout-parts.js';
import type { RouteBatch } from './route/route-batch.js';
import type { Prepared, Version } from './version.js';

/** What serving needs besides the parts of a rollout. */
export interface ServingParts extends RolloutParts {
  readonly batch: RouteBatch;
  readonly memory: VersionMemory;
  /** The status of a version may have changed. */
  readonly changed: (name: string) => void;
  /** Content that served before serves again, whatever the drop folder holds, over restarts too. */
  readonly pin: (version: Version, kept: Prepared) => Promise<void>;
}
