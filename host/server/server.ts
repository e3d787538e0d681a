import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorStatus, Readiness, ReloadResult, ServerView } from '../admin/admin-collaborators.js';
import { AdminServer } from '../admin/admin-server.js';
import { loadAdminToken } from '../admin/admin-token.js';
import { isArchiveComplete } from '../bundle/archive.js';
import { readManifest } from '../bundle/read-manifest.js';
import { BundleStore } from '../bundle/store.js';
import type { HostConfig } from '../config/host-config.js';
import { counted } from '../counted.js';
import { within } from '../deadline.js';
import type { ApplicationStatus } from '../deployer/application-status.js';
import { Deployer } from '../deployer/deployer.js';
import { inspectCandidate } from '../deployer/plan/inspect-candidate.js';
import { PorticoError } from '../errors.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { EventLog } from '../log/event-log.js';
import type { ServerLog } from '../log/server-log.js';
import { packageVersion } from '../package-version.js';
import { endLeftoverFronts, frontMarkOf } from '../supervisor/stray-processes.js';
import { Supervisor } from '../supervisor/supervisor.js';
import { ApplicationCalls } from './application-calls.js';
import { Catalog } from './catalog.js';
import { Certificates } from './certificates/certificates.js';
import { logEnd } from './end-line.js';
import { FolderLock } from './folder-lock.js';
import { FrontProcesses } from './front-processes.js';
import { frontConnectorsOf, frontSettingsOf } from './front-settings.js';
import type { ListeningSocket } from './listening-socket.js';
import { Maintenance } from './maintenance/maintenance.js';
import { openSockets } from './open-sockets.js';
import { readRunFile, removeRunFile, writeRunFile } from './run-file.js';
import { RunningConfig } from './running-config.js';
import { Standstills } from './standstills.js';
import { InheritedSockets } from './systemd/inherited-sockets.js';
import { ServiceManager } from './systemd/service-manager.js';

/** What a server is made with; the configuration is complete, see `readHostConfig`. */
export interface ServerOptions {
  readonly config: HostConfig;
  readonly log: ServerLog;
  /** What the log was made with. Default: no events are listed. */
  readonly events?: EventLog;
  /** What the file says now, for `reload`; throws ConfigError. Undefined: it cannot be read again. */
  readonly readConfig?: (() => HostConfig) | undefined;
}

/**
 * The control plane of one host: owns the listening sockets, the fronts, the supervisor, the deployer and the admin
 * connector, starts them bottom up and stops them top down. Carries no user request and runs no application code.
 */
export class PorticoServer {
  /** Resolves when everything has ended: true when in order, false when something had to be cut. */
  readonly stopped: Promise<boolean>;
  readonly #running: RunningConfig;
  readonly #log: ServerLog;
  readonly #events: EventLog;
  readonly #inherited: InheritedSockets;
  readonly #manager: ServiceManager;
  readonly #lifecycle = new Lifecycle('server');
  readonly #startedAt = new Date();
  #resolveStopped: (isClean: boolean) => void = () => undefined;
  /** Settles when everything that is to be ended is there. */
  #opening: Promise<Parts> | undefined;
  #parts: Parts | undefined;
  #workLock: FolderLock | undefined;
  #isFirstPassDone = false;

  constructor(options: ServerOptions) {
    this.#log = options.log;
    this.#events = options.events ?? new EventLog();
    this.#running = new RunningConfig(options.config, options.readConfig, options.log);
    this.#inherited = InheritedSockets.takeFrom(process.env, process.pid);
    this.#manager = ServiceManager.takeFrom(process.env, process.pid, options.log);
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  /**
   * Resolves when the first deployment pass is over, or when it was stopped before. Rejects with
   * `PORTICO_ALREADY_RUNNING`, `PORTICO_PORT_IN_USE`, `PORTICO_FOLDER_UNUSABLE` or `PORTICO_FRONT_START_FAILED`; then
   * nothing is left running.
   */
  async start(): Promise<void> {
    this.#lifecycle.apply('start');
    try {
      this.#opening = this.#open();
      const parts = await this.#opening;
      if (!this.#lifecycle.isEnding) await this.#run(parts);
    } catch (error) {
      // What fails while it is being stopped fails because of that; `stop` ends what there is.
      if (this.#lifecycle.isEnding) return;
      this.#lifecycle.apply('fail');
      if (this.#parts !== undefined) await this.#end(this.#parts, 1000);
      this.#workLock?.release();
      throw error;
    }
  }

  /** Finishes what is in flight, stops the applications, ends; also in the middle of the start. Harmless when called twice. */
  async stop(): Promise<void> {
    if (this.#lifecycle.isEnding) return;
    this.#lifecycle.apply('stop');
    this.#manager.stopping();
    await this.#opening?.catch((error: unknown) => this.#log.warn({ err: error }, 'the start had failed'));
    const isClean =
      this.#parts === undefined || (await this.#end(this.#parts, this.#config.shutdownTimeoutMs));
    this.#workLock?.release();
    this.#lifecycle.apply('finish stopping');
    logEnd(this.#log, isClean, this.#parts?.fronts.drained());
    this.#resolveStopped(isClean);
  }

  /**
   * Reads `host.yaml` again. What can change does so now, for requests that begin after it has resolved; the rest is named.
   * Rejects with `PORTICO_CONFIG_INVALID`, `PORTICO_RELOAD_UNAVAILABLE`, and `PORTICO_ILLEGAL_STATE` unless it is started;
   * then nothing has changed.
   */
  async reload(): Promise<ReloadResult> {
    this.#lifecycle.requireStarted('reload the configuration');
    return await this.#running.reload(async ({ config, connectors, changed }) => {
      await this.#parts?.fronts.reconfigure(frontSettingsOf(config), connectors);
      await this.#parts?.deployer.useVirtualHosts(config.virtualHosts);
      if (changed.includes('maintenance')) await this.#parts?.maintenance.reconfigured();
      else if (changed.includes('hosts')) await this.#parts?.maintenance.follow();
    });
  }

  /** In force; parts of it change by `reload`. */
  get #config(): HostConfig {
    return this.#running.current;
  }

  /** Cuts everything now. The caller ends the process. */
  kill(): void {
    this.#parts?.fronts.kill();
    this.#parts?.supervisor.kill();
    for (const socket of this.#parts?.sockets ?? []) socket.close();
    removeRunFile(this.#config.folders.run);
    this.#workLock?.release();
  }

  /** Takes the addresses and makes all parts; none of them runs yet. */
  async #open(): Promise<Parts> {
    this.#prepareFolders();
    const certificates = await Certificates.load(this.#config, this.#log);
    const { connectors, folders } = this.#config;
    const endFronts = (): Promise<boolean> => endLeftoverFronts(folders.run);
    const sockets = await openSockets(connectors, this.#inherited, this.#log, endFronts);
    try {
      this.#parts = this.#assemble(sockets, certificates);
      return this.#parts;
    } catch (error) {
      for (const socket of sockets) socket.close();
      throw error;
    }
  }

  async #run(parts: Parts): Promise<void> {
    const { sockets, fronts, deployer, release } = parts;
    const admin = await parts.admin.start();
    if (this.#lifecycle.isEnding) return;
    const firstPass = deployer.open();
    // Connections wait in the queues of the sockets until the fronts know the applications, but not for a slow one.
    const isTime = delay(ACCEPT_AFTER_MS, undefined, { ref: false });
    void Promise.race([firstPass, isTime]).then(release, release);
    await fronts.start();
    if (this.#lifecycle.isEnding) return;
    parts.certificates.start((command) => fronts.tell(command));
    const connectors = connectorsOf(sockets);
    const startedAt = this.#startedAt.toISOString();
    writeRunFile(this.#config.folders.run, { pid: process.pid, admin, connectors, startedAt });
    this.#announce(parts, admin);
    // Clients are served from here on, by the applications that are up.
    this.#manager.ready('listening; applications are starting');
    this.#lifecycle.apply('finish starting');
    await firstPass;
    if (this.#lifecycle.isEnding) return;
    this.#isFirstPassDone = true;
    this.#log.info({ event: 'ready' }, 'ready');
    this.#manager.status(summaryOf(deployer.list()));
  }

  #assemble(sockets: readonly ListeningSocket[], certificates: Certificates): Parts {
    const config = this.#config;
    const { folders } = config;
    const log = this.#log;
    let release: () => void = () => undefined;
    const firstMapping = new Promise<void>((resolve) => {
      release = resolve;
    });
    const fronts = new FrontProcesses({
      firstMapping,
      mark: frontMarkOf(folders.run),
      settings: frontSettingsOf(config),
      connectors: frontConnectorsOf(sockets, () => this.#config.connectors, certificates),
      logger: log,
      count: config.fronts,
    });
    const catalog = new Catalog(folders.run, () => this.#config.virtualHosts?.defaultHost);
    const calls = new ApplicationCalls(folders.run, (connector) => fronts.add(connector));
    const supervisor = new Supervisor({
      runFolder: folders.run,
      calls,
      workFolder: folders.work,
      logsFolder: folders.logs,
      output: config.output,
      ...(config.supervisor === undefined ? {} : { maxInstances: config.supervisor.maxInstances }),
      ...(config.supervisor?.spares === undefined
        ? {}
        : {
            spares: { ...config.supervisor.spares, maxHeapBytes: config.applications.maxHeapBytes },
          }),
      logger: log,
      catalogFile: catalog.file,
      ...(config.development === undefined ? {} : { development: config.development }),
    });
    const maintenance = new Maintenance(fronts, folders.work, () => this.#config, log);
    // None is there yet: each hears of it when it starts.
    void maintenance.follow();
    const deployer = new Deployer({
      appsFolder: folders.apps,
      workFolder: folders.work,
      ...config.deployer,
      maxEntries: config.archives.maxEntries,
      defaults: config.applications,
      virtualHosts: config.virtualHosts,
      development: config.development,
      launcher: supervisor,
      routes: maintenance,
      store: new BundleStore(folders.work, config.archives),
      readManifest,
      inspect: (candidate) => inspectCandidate(candidate, config),
      isArchiveComplete: (path) => isArchiveComplete(path),
      log,
    });
    catalog.follow(deployer);
    const server = this.#view(sockets, fronts, certificates, maintenance);
    const collaborators = {
      deployments: deployer,
      canaries: deployer.canaries,
      jobs: deployer.jobs,
      server,
      events: this.#events,
    };
    const admin = new AdminServer({
      ...collaborators,
      ...config.admin,
      token: loadAdminToken(folders.run),
      allowedHosts: [],
      log,
    });
    return { sockets, certificates, fronts, calls, supervisor, maintenance, deployer, admin, release };
  }

  #view(
    sockets: readonly ListeningSocket[],
    fronts: FrontProcesses,
    certificates: Certificates,
    maintenance: Maintenance,
  ): ServerView {
    const names = sockets.map(({ connector }) => connector);
    const standstill = new Standstills(fronts, names, this.#log);
    const readiness = (): Readiness => ({
      firstPassDone: this.#isFirstPassDone,
      listening: fronts.isListening,
      draining: this.#lifecycle.isEnding,
      suspended: standstill.isSuspended,
      maintenance: maintenance.isWhole,
    });
    return {
      version: packageVersion(),
      base: this.#config.base,
      startedAt: this.#startedAt,
      connectors: () =>
        connectorsOf(sockets).map((one) => (fronts.isPaused(one.name) ? { ...one, isPaused: true } : one)),
      standstill,
      maintenance,
      fronts: () => fronts.status(),
      spares: () => this.#parts?.supervisor.spares(),
      traffic: () => fronts.report(),
      openRequests: (wanted) => fronts.openRequests({ ...wanted, limit: MAX_LISTED }),
      certificates: certificates.view,
      readiness,
      reload: () => this.reload(),
      stop: () => void this.stop(),
    };
  }

  /**
   * Top down: no new requests, those in flight finish, applications stop, admin goes last. One deadline for all. The
   * applications hear of it at once: an answer without an end of its own would hold the fronts up to the deadline.
   */
  async #end(parts: Parts, timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    const left = (): number => Math.max(0, until - performance.now());
    const certificatesStopped = parts.certificates.stop();
    const drained = parts.fronts.drain(left());
    parts.supervisor.prepareStop();
    await drained;
    await within(certificatesStopped, LAST_MS);
    const isDrained = left() > 0;
    await parts.deployer.close(Math.max(left(), LAST_MS));
    // The time that an application gets to stop counts only within the time of the host.
    const isStopped = await within(parts.supervisor.stop(), Math.max(left(), LAST_MS));
    if (!isStopped) {
      parts.supervisor.kill();
      await within(parts.supervisor.stop(), LAST_MS);
    }
    await parts.calls.remove();
    await parts.admin.stop();
    removeRunFile(this.#config.folders.run);
    return isDrained && isStopped;
  }

  #prepareFolders(): void {
    const { folders } = this.#config;
    for (const [folder, mode] of [
      [folders.run, 0o700],
      [folders.work, 0o755],
      [folders.logs, 0o755],
    ] as const) {
      try {
        mkdirSync(folder, { recursive: true, mode });
      } catch (cause) {
        throw new PorticoError(
          'PORTICO_FOLDER_UNUSABLE',
          `Cannot make the folder ${folder}. Check its rights, or name another one below "folders" of host.yaml.`,
          { cause },
        );
      }
    }
    const other = readRunFile(folders.run);
    if (other !== undefined) {
      throw new PorticoError(
        'PORTICO_ALREADY_RUNNING',
        `A server runs on this base folder already (process ${other.pid}). Stop it with "portico stop", or use --base.`,
      );
    }
    this.#workLock = FolderLock.take(folders.work, this.#log);
  }

  #announce(
    { sockets, certificates, maintenance }: Parts,
    admin: { readonly host: string; readonly port: number },
  ): void {
    for (const socket of sockets) {
      const { name: connector, ...address } = socket.status;
      const shown =
        certificates.settings(connector) === undefined
          ? socket.shown
          : socket.shown.replace(/^http:/, 'https:');
      this.#log.info({ event: 'listening', connector, ...address }, `listening on ${shown}`);
    }
    maintenance.announce();
    this.#log.info({ event: 'admin', ...admin }, `admin on http://${admin.host}:${admin.port}/`);
    this.#log.info(
      { event: 'watching', folder: this.#config.folders.apps },
      `watching ${this.#config.folders.apps}`,
    );
  }
}

function summaryOf(applications: readonly ApplicationStatus[]): string {
  const failed = applications.filter(({ state }) => state === 'failed').length;
  const text = `ready; ${counted(applications.length, 'application')}`;
  return failed === 0 ? text : `${text}, ${failed} of them failed`;
}

/** Clients are let in after this time although applications are still starting; those answer 503 until they are up. */
const ACCEPT_AFTER_MS = 3000;
/** Open requests that are listed at once. */
const MAX_LISTED = 200;
/** What each step of the end gets when the time is up already. */
const LAST_MS = 1000;

interface Parts {
  readonly sockets: readonly ListeningSocket[];
  readonly certificates: Certificates;
  readonly fronts: FrontProcesses;
  readonly calls: ApplicationCalls;
  readonly supervisor: Supervisor;
  readonly maintenance: Maintenance;
  readonly deployer: Deployer;
  readonly admin: AdminServer;
  /** Lets the fronts accept. */
  readonly release: () => void;
}

function connectorsOf(sockets: readonly ListeningSocket[]): ConnectorStatus[] {
  return sockets.map(({ status }) => status);
}
