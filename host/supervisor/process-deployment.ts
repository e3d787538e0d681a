import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_PROCESS_LIMITS } from '../config/instance-settings.js';
import { DEFAULT_LIVENESS } from '../config/liveness-settings.js';
import { PorticoError } from '../errors.js';
import type { InstanceAddress } from '../front/messages.js';
import type { ApplicationKind } from '../instance/messages.js';
import type { Departure } from '../lifecycle/departure.js';
import type { ServerLog } from '../log/server-log.js';
import { bootPlanOf } from './boot-plan.js';
import { callEnvironment, callRightsOf } from './call-grants.js';
import { CommandProcess } from './command/command-process.js';
import type { DeploymentOptions } from './deployment-options.js';
import type { DeploymentChange, DeploymentProcess, InstanceStatus } from './deployment-process.js';
import type { FunctionOrder } from './function-calls.js';
import type { InstanceEnd, LimitExcess } from './instance-end.js';
import { InstanceProcess } from './instance-process.js';
import { InstanceSlot } from './instance-slot.js';
import { MeasuredLimits } from './limits/measured-limits.js';
import { OutputCapture } from './output/output-capture.js';
import { OutputTail } from './output/output-tail.js';
import type { OpenPort, PortOwner } from './port-watch.js';
import { ScalingPolicy } from './scaling-policy.js';
import type { SlotProcess } from './slot-process.js';
import type { SpareProcess } from './spares/spare-process.js';
import { StartFailure } from './start-failure.js';
import { markOf } from './stray-processes.js';
import { InstanceFolder } from './surroundings/instance-folder.js';
import { instanceEnvironment } from './surroundings/process-environment.js';
import { makeSurroundings } from './surroundings/surroundings.js';
import type { WorkingFolder } from './surroundings/working-folder.js';

/** For the fronts to hear that a place gets no more requests; one that comes later is sent elsewhere by them. */
const LEAVE_MS = 500;
/** Lines of last output that are kept with a crash. */
const CRASH_LINES = 20;

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
  /** Ordered by their number. */
  #slots: readonly InstanceSlot[];
  /** Places that are not needed any more and finish what they have. */
  readonly #leaving = new Set<InstanceSlot>();
  readonly #measured: MeasuredLimits | undefined;
  readonly #scaling: ScalingPolicy | undefined;
  #tick: NodeJS.Timeout | undefined;
  #isGrowing = false;
  /** One that did not start, or had no room, is not tried again before. */
  #growsAfter = 0;
  /** Number of the place that was added last. */
  #serial: number;
  readonly #listeners: ((change: DeploymentChange) => void)[] = [];
  #isReady = false;
  #isPreparingStop = false;
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
    this.#serial = count;
    this.#slots = Array.from({ length: count }, (_, index) => this.#makeSlot(index + 1));
    const { scaling, processLimits } = spec.manifest.settings;
    if (processLimits !== undefined && processLimits.maxCpuShare + processLimits.maxFiles > 0)
      this.#measured = new MeasuredLimits(processLimits, (...excess) => this.#exceeded(...excess));
    this.#scaling = scaling === undefined ? undefined : new ScalingPolicy(count, scaling);
    this.ready = this.#start();
    // The launcher awaits it, perhaps later; until then a failed start must not count as unhandled.
    this.ready.catch(() => undefined);
  }

  kind(): ApplicationKind | undefined {
    return this.#kind;
  }

  addresses(): readonly InstanceAddress[] {
    return this.#slots.flatMap(({ running }) => {
      return running === undefined ? [] : [running.address];
    });
  }

  status(): readonly InstanceStatus[] {
    return [...this.#slots, ...this.#leaving].map((slot) => slot.status());
  }

  /** The processes whose ports are told. */
  portOwners(): readonly PortOwner[] {
    return [...this.#slots, ...this.#leaving].flatMap(({ process }) => {
      // The inspector listens for a moment in one that hangs.
      if (process?.pid === undefined || process.isHung === true) return [];
      const { instance, httpPort: ownPort = 0 } = process.address;
      const tell = (port: OpenPort): void => this.#tellPort(instance, port);
      return [{ pid: process.pid, ownPort, tell }];
    });
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

  async runFunction(order: FunctionOrder): Promise<string> {
    const running = this.#slots.find((slot) => slot.running !== undefined)?.running;
    if (running?.runFunction !== undefined) return running.runFunction(order);
    const why = running === undefined ? 'no instance is ready' : 'a command has no functions';
    throw new PorticoError('PORTICO_JOB_FAILED', why);
  }

  prepareStop(departure: Departure): void {
    this.#isPreparingStop = true;
    for (const slot of this.#slots) slot.prepareStop(departure);
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
    if (this.#stopping === undefined && (this.#scaling ?? this.#measured) !== undefined)
      this.#tick = setInterval(() => this.#look(), this.#options.statsIntervalMs);
  }

  async #end(): Promise<void> {
    clearInterval(this.#tick);
    await Promise.all([...this.#slots, ...this.#leaving].map((slot) => slot.stop()));
    this.#options.ended();
  }

  #makeSlot(number: number): InstanceSlot {
    const { spec, nextWorkingFolder, development } = this.#options;
    const { restart, stopTimeoutMs, isolation } = spec.manifest.settings;
    // Developers see their own files in stacks; each change is a snapshot of its own.
    const isAlone = isolation.hasOwnFolder && development === undefined;
    const working = isAlone ? nextWorkingFolder(spec.folder) : undefined;
    const slot: InstanceSlot = new InstanceSlot({
      spawn: (incarnation) => this.#spawn(slot, number, incarnation, working),
      ended: () => working?.remove(),
      restart,
      stopTimeoutMs,
      isTrial: this.#options.spec.isTrial,
      admission: () => (this.#isReady ? spec.admit : undefined),
      observer: {
        changed: () => this.#tell({ kind: 'addresses' }),
        crashed: (instance, end) => this.#crashed(instance, end),
        restarting: (instance, reason, retryInMs) =>
          this.#tell({ kind: 'restarting', instance, reason, retryInMs }),
        unhealthy: (instance, reason) =>
          this.#log.warn({ event: 'unhealthy', instance, reason }, `gets no requests yet: ${reason}`),
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

  #silent(instance: string, problem: string): void {
    this.#log.warn({ event: 'hang', instance, problem }, `${instance} ${problem}`);
    this.#tail.push(`${instance} ${problem}`);
  }

  #look(): void {
    if (this.#stopping !== undefined || this.#isPreparingStop) return;
    for (const slot of this.#slots) if (slot.running !== undefined) void this.#measured?.look(slot.running);
    const running = this.#slots.flatMap((slot) => slot.running?.stats ?? []);
    if (this.#scaling === undefined || running.length === 0 || this.#isGrowing) return;
    const utilization = running.reduce((sum, one) => sum + one.utilization, 0) / running.length;
    const open = running.reduce((sum, { exchanges }) => sum + exchanges, 0) / running.length;
    const instances = this.#slots.length;
    const load = { utilization: Math.round(utilization * 100) / 100, open: Math.round(open) };
    const decision = this.#scaling.decide({ nowMs: performance.now(), instances, utilization, open });
    if (decision === 'up') void this.#grow(load);
    else if (decision === 'down') void this.#shrink(load);
  }

  /** One more place; it gets requests when it is ready. One that does not start is given up, and the others go on. */
  async #grow(load: { readonly utilization: number; readonly open: number }): Promise<void> {
    const from = this.#slots.length;
    const now = performance.now();
    if (now < this.#growsAfter) return;
    this.#growsAfter = now + (this.#options.spec.manifest.settings.scaling?.coolDownMs ?? 0);
    if (!this.#options.mayGrow()) {
      this.#log.warn(
        { event: 'scale-refused', ...load, instances: from },
        'the host has no room for one more',
      );
      return;
    }
    this.#isGrowing = true;
    this.#serial += 1;
    const slot = this.#makeSlot(this.#serial);
    this.#slots = [...this.#slots, slot];
    const failure = await slot.start();
    this.#isGrowing = false;
    if (this.#stopping !== undefined) return;
    if (failure === undefined) {
      this.#growsAfter = 0;
      this.#log.info(
        { event: 'scaled-up', ...load, from, to: from + 1 },
        `from ${from} to ${from + 1} instances, busy`,
      );
      this.#tell({ kind: 'addresses' });
      return;
    }
    this.#slots = this.#slots.filter((other) => other !== slot);
    void slot.stop();
    this.#log.error({ event: 'scale-failed', reason: failure.message, from }, 'one more did not start');
  }

  /** The newest place goes: no new requests, then the end of what it has, then the end of the process. */
  async #shrink(load: { readonly utilization: number; readonly open: number }): Promise<void> {
    const slot = this.#slots.at(-1);
    if (slot === undefined) return;
    const from = this.#slots.length;
    this.#slots = this.#slots.slice(0, -1);
    this.#leaving.add(slot);
    this.#log.info(
      { event: 'scaled-down', ...load, from, to: from - 1 },
      `from ${from} to ${from - 1} instances, idle`,
    );
    this.#tell({ kind: 'addresses' });
    await delay(LEAVE_MS, undefined, { ref: false });
    slot.prepareStop('replaced');
    await slot.stop(this.#options.spec.manifest.settings.drainTimeoutMs);
    this.#leaving.delete(slot);
  }

  #exceeded(instance: string, { event, reason, used, limit }: LimitExcess, action: string): void {
    this.#log.warn({ event, instance, used, limit, action }, `${instance} ${reason}`);
  }

  #tellPort(instance: string, { address, port }: OpenPort): void {
    const what = `${instance} listens on ${address}:${port}, which is open on the machine, past the host`;
    this.#log.warn({ event: 'extra-port', instance, address, port }, what);
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

  #spawn(
    slot: InstanceSlot,
    number: number,
    incarnation: number,
    working: WorkingFolder | undefined,
  ): SlotProcess {
    const { spec, entry, output, agentPath, development, nextSocketPath, statsIntervalMs } = this.#options;
    const spare = entry.kind === 'command' ? undefined : this.#takeSpare(entry.kind);
    const { settings } = spec.manifest;
    const instance = `${spec.deployment}/${number}#${incarnation}`;
    const { isolation } = settings;
    const hasOwnUser = isolation.user !== undefined || isolation.group !== undefined;
    const own = spare?.own ?? new InstanceFolder(nextSocketPath(), hasOwnUser);
    const { socketPath } = own;
    const isDevelopment = development !== undefined;
    const calls = callRightsOf(this.#options.calls, spec, instance);
    const mark = markOf(this.#options.runFolder, socketPath);
    const { maxCpuShare, maxFiles } = settings.processLimits ?? DEFAULT_PROCESS_LIMITS;
    const cpuGroup = maxCpuShare > 0 ? this.#options.cpuGroups.open(maxCpuShare) : undefined;
    const common = {
      maxFiles,
      cpuGroup,
      surroundings: async () => {
        const folders = { instance: own, working, callSocket: calls?.socketPath };
        if (calls !== undefined) await this.#options.calls?.open();
        const { environment, ...others } = await makeSurroundings(spec, folders, this.#options.catalogFile);
        const development: Record<string, string> = isDevelopment ? { NODE_ENV: 'development' } : {};
        const rights = entry.kind === 'command' ? callEnvironment(calls) : {};
        const told = { ...development, ...rights, PORTICO_INSTANCE: mark };
        return { ...others, environment: { ...environment, ...told } };
      },
      endStrays: async () => {
        await this.#options.strays.end((other) => other === mark);
        await Promise.all([own.remove(), cpuGroup?.remove()]);
      },
      maxMemoryBytes: settings.maxMemoryBytes,
      capture: new OutputCapture(output, this.#tail, instance, (line) =>
        development?.echo(spec.application, line),
      ),
      onLimit: (excess: LimitExcess) => this.#exceeded(instance, excess, 'restart'),
    };
    if (entry.kind === 'command') {
      const { listen } = entry;
      const { startTimeoutMs, health } = settings;
      const liveness = settings.liveness ?? DEFAULT_LIVENESS;
      const [program = '', ...args] = entry.command;
      const command = [working?.fileOf(program) ?? program, ...args];
      const place = { instance, command, listen, socketPath };
      const { umask } = isolation;
      const path = liveness.path ?? health.path;
      return new CommandProcess({
        ...common,
        ...place,
        startTimeoutMs,
        statsIntervalMs,
        umask,
        liveness,
        livenessPath: path === undefined || settings.prefix === 'strip' ? path : spec.contextPath + path,
        onSilence: (problem) => this.#silent(instance, problem),
        orphans: this.#options.orphans,
      });
    }
    return new InstanceProcess({
      ...common,
      agentPath,
      spare: spare?.process,
      onSpareLost: (reason) => {
        this.#options.spares.countLost();
        const what = `a spare process ${reason} when it was taken; a new one is started`;
        this.#log.warn({ event: 'spare-lost', instance, reason }, what);
      },
      plan: bootPlanOf(spec, {
        instance,
        entry,
        working,
        socketPath,
        statsIntervalMs,
        development,
        calls,
      }),
      maxHeapBytes: settings.maxHeapBytes,
      hangTimeoutMs: settings.hangTimeoutMs,
      onHang: (frames, problem) => this.#hung(slot, instance, frames, problem),
      onStopRequest: () => this.#tell({ kind: 'stop-requested' }),
    });
  }

  #takeSpare(kind: 'modules' | 'main'): SpareProcess | undefined {
    const { spec, spares } = this.#options;
    const environment = instanceEnvironment(spec, process.env, { temporary: '' });
    return spares.take(spec, kind === 'modules' ? 'framework' : 'server', environment);
  }
}
