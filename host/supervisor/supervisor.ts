import { fileURLToPath } from 'node:url';
import type { SpareSettings } from '../config/host-config.js';
import { PorticoError } from '../errors.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import type { ServerLog } from '../log/server-log.js';
import type { CallGrants } from './call-grants.js';
import { OrphanWatch } from './command/orphan-watch.js';
import type { SupervisorDevelopment } from './deployment-options.js';
import type { DeploymentProcess, DeploymentSpec } from './deployment-process.js';
import { type CpuGroupPlaces, CpuGroups } from './limits/cpu-groups.js';
import { OutputLog, type OutputSettings } from './output/output-log.js';
import { PortWatch } from './port-watch.js';
import { ProcessDeployment } from './process-deployment.js';
import { killGroup } from './process-group.js';
import { SocketFolder } from './socket-folder.js';
import { type SpareOptions, SpareProcesses, type SpareStatus } from './spares/spare-processes.js';
import { isLeftover, StrayProcesses } from './stray-processes.js';
import { WorkingFolders } from './surroundings/working-folder.js';
import { type UpstreamSpec, UpstreamWatch } from './upstream-watch.js';

/** What a supervisor is made with. */
export interface SupervisorOptions {
  /** `run`: the exchange sockets are made below it. */
  readonly runFolder: string;
  /** `work`: each place of a deployment gets a copy of its bundle below it. Default: all work in the folder of the bundle. */
  readonly workFolder?: string;
  /** `logs`: output of the applications is written below it. */
  readonly logsFolder: string;
  readonly output: OutputSettings;
  readonly logger: ServerLog;
  /** Program of an instance. Default: the agent of this installation. */
  readonly agentPath?: string;
  /** File that lists what is mounted; told to applications that may know it. Default: nobody is told. */
  readonly catalogFile?: string;
  /** For applications that may call others. Default: none may. */
  readonly calls?: CallGrants;
  /** Processes of all deployments beyond which none is added because of load. Default 128. */
  readonly maxInstances?: number;
  /** Processes that wait for an application, and the heap they have. Default: none. */
  readonly spares?: SpareSettings & Pick<SpareOptions, 'maxHeapBytes' | 'quietMs'>;
  /** Where control groups are. Default: where Linux has them. */
  readonly cpuGroups?: CpuGroupPlaces;
  /** Time between two reports of an instance. Default 1000. */
  readonly statsIntervalMs?: number;
  /** For developers: applications run in development mode, and `echo` is told each line they print. */
  readonly development?: SupervisorDevelopment;
}

/**
 * Starts the processes of deployments and keeps them alive. Owned by the server; owns every process it started, their
 * sockets and their logs, and outlives them all.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #lifecycle = new Lifecycle('supervisor');
  readonly #sockets: SocketFolder;
  readonly #spares: SpareProcesses;
  readonly #working: WorkingFolders | undefined;
  readonly #strays = new StrayProcesses();
  readonly #orphans = new OrphanWatch();
  readonly #leftovers: Promise<void>;
  readonly #deployments = new Set<ProcessDeployment>();
  readonly #watches = new Set<UpstreamWatch>();
  readonly #outputs = new Map<string, { readonly log: OutputLog; users: number }>();
  readonly #ports: PortWatch;
  readonly #cpuGroups: CpuGroups;
  readonly #closing = new Set<Promise<void>>();
  #stopped: Promise<void> | undefined;
  #isPreparingStop = false;

  constructor(options: SupervisorOptions) {
    this.#lifecycle.apply('start');
    this.#options = options;
    this.#sockets = new SocketFolder(options.runFolder);
    this.#working = options.workFolder === undefined ? undefined : new WorkingFolders(options.workFolder);
    this.#leftovers = this.#strays
      .end((mark) => isLeftover(options.runFolder, mark))
      .then(() => this.#working?.removeLeftovers());
    const { spares } = options;
    this.#spares = new SpareProcesses({
      wanted: { server: spares?.server ?? 0, framework: spares?.framework ?? 0 },
      agentPath: options.agentPath ?? DEFAULT_AGENT,
      maxHeapBytes: spares?.maxHeapBytes ?? 0,
      quietMs: spares?.quietMs,
      runFolder: options.runFolder,
      nextSocketPath: () => this.#sockets.next(),
      strays: this.#strays,
      isBusy: () => this.#isStarting(),
      log: options.logger,
    });
    this.#cpuGroups = new CpuGroups(options.logger, options.cpuGroups);
    this.#ports = new PortWatch(() => [...this.#deployments].flatMap((one) => one.portOwners()));
    this.#lifecycle.apply('finish starting');
  }

  /**
   * Starts all instances of a deployment. Returns at once; `ready` of the result tells the outcome. Throws
   * `PORTICO_ILLEGAL_STATE` when the supervisor is stopping, `PORTICO_NOT_A_PROCESS` for static files and upstreams.
   */
  launch(spec: DeploymentSpec): DeploymentProcess {
    this.#lifecycle.requireStarted(`launch ${spec.deployment}`);
    const { entry } = spec.manifest;
    if (entry.kind !== 'main' && entry.kind !== 'modules' && entry.kind !== 'command') {
      throw new PorticoError(
        'PORTICO_NOT_A_PROCESS',
        `${spec.deployment} is of kind ${entry.kind}, which the front answers itself. Publish a route for it instead.`,
      );
    }
    const deployment = new ProcessDeployment({
      spec,
      entry,
      agentPath: this.#options.agentPath ?? DEFAULT_AGENT,
      catalogFile: this.#options.catalogFile,
      calls: this.#options.calls,
      statsIntervalMs: this.#options.statsIntervalMs ?? 1000,
      nextSocketPath: () => this.#sockets.next(),
      spares: this.#spares,
      nextWorkingFolder: (bundle) => this.#working?.next(bundle),
      runFolder: this.#options.runFolder,
      strays: this.#strays,
      orphans: this.#orphans,
      cpuGroups: this.#cpuGroups,
      mayGrow: () => this.#countOfPlaces() < (this.#options.maxInstances ?? 128),
      development: this.#options.development,
      output: this.#openOutput(spec.application),
      log: this.#options.logger,
      ended: () => {
        this.#deployments.delete(deployment);
        this.#closeOutput(spec.application);
      },
    });
    this.#deployments.add(deployment);
    if (this.#isPreparingStop) deployment.prepareStop('ended');
    return deployment;
  }

  /** Watches servers elsewhere until that is stopped. Throws `PORTICO_ILLEGAL_STATE` as `launch` does. */
  watchUpstreams(spec: UpstreamSpec): DeploymentProcess {
    this.#lifecycle.requireStarted(`watch ${spec.deployment}`);
    const watch = new UpstreamWatch(spec, this.#options.logger);
    this.#watches.add(watch);
    return watch;
  }

  /** The deployments that are starting, running or given up, until they are stopped. */
  list(): readonly DeploymentProcess[] {
    return [...this.#deployments];
  }

  /** The processes that wait for an application. */
  spares(): SpareStatus {
    return this.#spares.status();
  }

  /** Tells every deployment, also later ones, that nothing new will come; what is in flight still finishes. */
  prepareStop(): void {
    this.#isPreparingStop = true;
    for (const deployment of this.#deployments) deployment.prepareStop('ended');
    this.#spares.kill();
  }

  /** Stops every deployment. Resolves when no process is left and all output is on disk. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Kills every process with its children, now. For the end of the host by force. */
  kill(): void {
    this.#spares.kill();
    for (const deployment of this.#deployments) {
      for (const { pid } of deployment.status()) if (pid !== undefined) killGroup(pid);
    }
  }

  async #stop(): Promise<void> {
    this.#lifecycle.apply('stop');
    await Promise.all(
      [this.#spares, ...this.#deployments, ...this.#watches].map((started) => started.stop()),
    );
    await Promise.all([...this.#closing, this.#leftovers, this.#ports.stop()]);
    this.#orphans.stop();
    this.#sockets.remove();
    await this.#working?.remove();
    this.#lifecycle.apply('finish stopping');
  }

  #isStarting(): boolean {
    return [...this.#deployments].some((deployment) =>
      deployment.status().some(({ state }) => state === 'starting'),
    );
  }

  #countOfPlaces(): number {
    let count = 0;
    for (const deployment of this.#deployments) count += deployment.status().length;
    return count;
  }

  /** Versions of one application share its log, so that rotation has one owner. */
  #openOutput(application: string): OutputLog {
    const open = this.#outputs.get(application);
    if (open !== undefined) {
      open.users += 1;
      return open.log;
    }
    const { logsFolder, output, logger } = this.#options;
    const log = new OutputLog(logsFolder, application, output, logger);
    this.#outputs.set(application, { log, users: 1 });
    return log;
  }

  #closeOutput(application: string): void {
    const open = this.#outputs.get(application);
    if (open === undefined) return;
    open.users -= 1;
    if (open.users > 0) return;
    this.#outputs.delete(application);
    const closing = open.log.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

const DEFAULT_AGENT = fileURLToPath(new URL('../instance/agent.js', import.meta.url));
