import { randomBytes } from 'node:crypto';
import type { InstanceAddress } from '../front/messages.js';
import type { ApplicationKind, BootPlan } from '../instance/messages.js';
import type { ServerLog } from '../log/server-log.js';
import type {
  DeploymentChange,
  DeploymentProcess,
  DeploymentSpec,
  InstanceStatus,
} from './deployment-process.js';
import { type InstanceEnd, InstanceProcess, type LimitExcess } from './instance-process.js';
import { InstanceSlot } from './instance-slot.js';
import { OutputCapture } from './output-capture.js';
import type { OutputLog } from './output-log.js';
import { OutputTail } from './output-tail.js';
import { instanceEnvironment } from './process-environment.js';
import { StartFailure } from './start-failure.js';
import { markOf, type StrayProcesses } from './stray-processes.js';
import type { SupervisorDevelopment } from './supervisor.js';

/** Lines of last output that are kept with a crash. */
const CRASH_LINES = 20;

/** What the processes of a deployment are made with; the same for all of them. */
export interface DeploymentOptions {
  readonly spec: DeploymentSpec;
  readonly entry: BootPlan['entry'];
  readonly agentPath: string;
  /** Where the list of what is mounted lies. */
  readonly catalogFile: string | undefined;
  readonly statsIntervalMs: number;
  /** A fresh path for an exchange socket. */
  readonly nextSocketPath: () => string;
  readonly runFolder: string;
  readonly strays: StrayProcesses;
  readonly output: OutputLog;
  readonly development: SupervisorDevelopment | undefined;
  readonly log: ServerLog;
  /** Called once, when no process is left and none will come. */
  readonly ended: () => void;
}

/**
 * The processes of one version of one application. Made by the supervisor; stopped by whoever launched it, or by the
 * supervisor when the server stops.
 */
export class ProcessDeployment implements DeploymentProcess {
  readonly deployment: string;
  readonly ready: Promise<void>;
  readonly #options: DeploymentOptions;
  readonly #log: ServerLog;
  readonly #tail = new OutputTail();
  readonly #slots: readonly InstanceSlot[];
  readonly #listeners: ((change: DeploymentChange) => void)[] = [];
  #isReady = false;
  #kind: ApplicationKind | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: DeploymentOptions) {
    const { spec } = options;
    this.#options = options;
    this.deployment = spec.deployment;
    // The name with version, as everywhere in the log; a deployment is called by it, with something behind.
    const application = spec.deployment.slice(0, spec.deployment.lastIndexOf('@'));
    this.#log = options.log.child({ application, deployment: spec.deployment });
    const count = Math.max(1, spec.manifest.settings.instances);
    this.#slots = Array.from({ length: count }, (_, index) => this.#makeSlot(index + 1));
    this.ready = this.#start();
    // The launcher awaits it, perhaps later; until then a failed start must not count as unhandled.
    this.ready.catch(() => undefined);
  }

  kind(): ApplicationKind | undefined {
    return this.#kind;
  }

  addresses(): readonly InstanceAddress[] {
    return this.#slots.flatMap(({ running }) => {
      if (running === undefined) return [];
      const { instance, socketPath, secret } = running.plan;
      return [{ instance, socketPath, secret }];
    });
  }

  status(): readonly InstanceStatus[] {
    return this.#slots.map((slot) => slot.status());
  }

  lastOutput(): readonly string[] {
    return this.#tail.lines();
  }

  onChange(listener: (change: DeploymentChange) => void): void {
    this.#listeners.push(listener);
  }

  suspect(instance: string, reason: string): void {
    void this.#slots.find((slot) => slot.instance === instance)?.suspect(reason);
  }

  prepareStop(): void {
    for (const slot of this.#slots) slot.prepareStop();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const starts = this.#slots.map(async (slot) => {
      const failure = await slot.start();
      // The others are of no use without this one; ended early they cannot hide its reason.
      if (failure !== undefined) throw failure;
    });
    try {
      await Promise.all(starts);
    } catch (failure) {
      await this.stop();
      const detail = failure as NonNullable<Awaited<ReturnType<InstanceSlot['start']>>>;
      throw new StartFailure(this.deployment, { ...detail, lastOutput: this.lastOutput() });
    }
    this.#kind = this.#slots[0]?.running?.kind;
    this.#isReady = true;
  }

  async #end(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop()));
    this.#options.ended();
  }

  #makeSlot(number: number): InstanceSlot {
    const { restart, stopTimeoutMs } = this.#options.spec.manifest.settings;
    const slot: InstanceSlot = new InstanceSlot({
      spawn: (incarnation) => this.#spawn(slot, number, incarnation),
      restart,
      stopTimeoutMs,
      isTrial: this.#options.spec.isTrial,
      observer: {
        changed: () => this.#tell({ kind: 'addresses' }),
        crashed: (instance, end) => this.#crashed(instance, end),
        restarting: (instance, reason, retryInMs) =>
          this.#tell({ kind: 'restarting', instance, reason, retryInMs }),
        gaveUp: (instance, reason, retryInMs) => this.#gaveUp(instance, reason, retryInMs),
        halfOpen: (instance) =>
          this.#log.warn({ event: 'half-open', instance }, 'given up before; one process is tried'),
      },
    });
    return slot;
  }

  #crashed(instance: string, { reason, exitCode, signal, heap }: InstanceEnd): readonly string[] {
    const details = { instance, reason, exitCode, signal, ...(heap === undefined ? {} : { heap }) };
    this.#log.warn({ event: 'crashed', ...details }, `${instance} ${reason}`);
    return this.lastOutput().slice(-CRASH_LINES);
  }

  /** Into status, log and last output: whoever looks for the reason looks in one of them. */
  #hung(slot: InstanceSlot, instance: string, frames: readonly string[], problem: string | undefined): void {
    const seconds = this.#options.spec.manifest.settings.hangTimeoutMs / 1000;
    const what = `${instance} has not answered for ${seconds} s`;
    const details = problem === undefined ? { stack: frames } : { problem };
    this.#log.warn({ event: 'hang', instance, ...details }, what);
    this.#tail.push(problem === undefined ? `${what}; it was:` : `${what}; ${problem}`);
    for (const frame of frames) this.#tail.push(`    ${frame}`);
    if (frames.length > 0) slot.hung(frames);
  }

  #exceeded(instance: string, { event, reason, used, limit }: LimitExcess, action: string): void {
    this.#log.warn({ event, instance, used, limit, action }, `${instance} ${reason}`);
  }

  /** With instances left the deployment goes on; it has failed when the last one is given up. */
  #gaveUp(instance: string, reason: string, retryInMs: number | undefined): void {
    this.#log.error({ event: 'gave-up', instance, reason, retryInMs }, 'instance ended too often, given up');
    if (this.#slots.every((slot) => slot.hasGivenUp)) this.#tell({ kind: 'failed', reason });
  }

  #tell(change: DeploymentChange): void {
    if (!this.#isReady || this.#stopping !== undefined) return;
    for (const listener of this.#listeners) listener(change);
  }

  #spawn(slot: InstanceSlot, number: number, incarnation: number): InstanceProcess {
    const { spec, output, agentPath, development } = this.#options;
    const { settings } = spec.manifest;
    const plan = this.#plan(`${spec.deployment}/${number}#${incarnation}`);
    const mark = markOf(this.#options.runFolder, plan.socketPath);
    return new InstanceProcess({
      agentPath,
      plan,
      environment: {
        ...instanceEnvironment(spec, process.env, this.#options.catalogFile),
        ...(development === undefined ? {} : { NODE_ENV: 'development' }),
        PORTICO_INSTANCE: mark,
      },
      endStrays: () => this.#options.strays.end((other) => other === mark),
      maxHeapBytes: settings.maxHeapBytes,
      maxMemoryBytes: settings.maxMemoryBytes,
      hangTimeoutMs: settings.hangTimeoutMs,
      capture: new OutputCapture(output, this.#tail, plan.instance, (line) =>
        development?.echo(spec.application, line),
      ),
      onHang: (frames, problem) => this.#hung(slot, plan.instance, frames, problem),
      onLimit: (excess) => this.#exceeded(plan.instance, excess, 'restart'),
      onStopRequest: () => this.#tell({ kind: 'stop-requested' }),
    });
  }

  #plan(instance: string): BootPlan {
    const { spec, entry, nextSocketPath, statsIntervalMs } = this.#options;
    const { settings, config, configOrigins } = spec.manifest;
    return {
      application: spec.application,
      version: spec.version,
      deployment: spec.deployment,
      instance,
      contextPath: spec.contextPath,
      folder: spec.folder,
      entry,
      config,
      configOrigins,
      prefix: settings.prefix,
      socketPath: nextSocketPath(),
      secret: randomBytes(32).toString('hex'),
      statsIntervalMs: Math.min(statsIntervalMs, Math.max(10, settings.hangTimeoutMs / 4)),
      startTimeoutMs: settings.startTimeoutMs,
      developmentMode: this.#options.development !== undefined,
    };
  }
}
