import type { Manifest } from '../bundle/manifest.js';
import type { ServerLog } from '../log/server-log.js';
import type { CallGrants } from './call-grants.js';
import type { OrphanWatch } from './command/orphan-watch.js';
import type { DeploymentSpec } from './deployment-process.js';
import type { CpuGroups } from './limits/cpu-groups.js';
import type { OutputLog } from './output/output-log.js';
import type { SpareProcesses } from './spares/spare-processes.js';
import type { StrayProcesses } from './stray-processes.js';
import type { WorkingFolder } from './surroundings/working-folder.js';

/** What runs in a process of its own. */
export type ProcessEntry = Extract<Manifest['entry'], { kind: 'modules' | 'main' | 'command' }>;

/** What the processes of a deployment are made with; the same for all of them. */
export interface DeploymentOptions {
  readonly spec: DeploymentSpec;
  readonly entry: ProcessEntry;
  readonly agentPath: string;
  /** Where the list of what is mounted lies. */
  readonly catalogFile: string | undefined;
  readonly calls: CallGrants | undefined;
  readonly statsIntervalMs: number;
  /** A fresh path for an exchange socket. */
  readonly nextSocketPath: () => string;
  readonly spares: SpareProcesses;
  /** A fresh working folder for a bundle; undefined where all work in the snapshot. */
  readonly nextWorkingFolder: (bundle: string) => WorkingFolder | undefined;
  readonly runFolder: string;
  readonly strays: StrayProcesses;
  readonly orphans: OrphanWatch;
  readonly cpuGroups: CpuGroups;
  /** Whether the host has room for one more process. */
  readonly mayGrow: () => boolean;
  readonly output: OutputLog;
  readonly development: SupervisorDevelopment | undefined;
  readonly log: ServerLog;
  /** Called once, when no process is left and none will come. */
  readonly ended: () => void;
}

/** What `portico dev` adds to a supervisor. */
export interface SupervisorDevelopment {
  readonly echo: (application: string, line: string) => void;
  /** Where the developer has the bundle: error pages name its files there. Default: the snapshot. */
  readonly folderOf?: (application: string) => string;
}
