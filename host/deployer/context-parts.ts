import type { DeploymentJournal } from './history/deployment-journal.js';
import type { Pin } from './history/journal.js';
import type { ServingParts } from './serving-parts.js';

/** What a context needs of the deployer. */
export interface ContextParts extends ServingParts {
  /** What an operator stopped, over restarts. */
  readonly held: ReadonlySet<string>;
  /** Name of the default host, if it has one. */
  readonly defaultHost: () => string | undefined;
  readonly hold: (name: string, isHeld: boolean) => Promise<void>;
  /** What serves instead of what lies in the drop folder. */
  readonly pinOf: (name: string) => Pin | undefined;
  readonly unpin: (name: string) => Promise<void>;
  readonly deployments: () => DeploymentJournal;
}
