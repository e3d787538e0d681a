import { EventEmitter, once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Launcher } from '#host/deployer/collaborators.js';
import type { InstanceAddress } from '#host/front/messages.js';
import type { ApplicationKind } from '#host/instance/messages.js';
import { silentLog } from '#host/log/server-log.js';
import type {
  DeploymentChange,
  DeploymentProcess,
  DeploymentSpec,
  InstanceStatus,
  StartFailureDetail,
} from '#host/supervisor/deployment-process.js';
import { StartFailure } from '#host/supervisor/start-failure.js';
import { type UpstreamSpec, UpstreamWatch } from '#host/supervisor/upstream-watch.js';

/**
 * Stands in for the supervisor: it starts no processes, so that tests of the deployer see nothing but the deployer. What
 * a deployment does is written in its bundle, in the file `behaviour`: `fails TEXT`, `hangs`, `framework`, or nothing; the
 * last two run.
 */
export class StandInLauncher implements Launcher {
  readonly events = new EventEmitter();
  readonly launched: StandInProcess[] = [];
  /** Most deployments that were starting at the same time. */
  mostStarting = 0;

  launch(spec: DeploymentSpec): StandInProcess {
    const process = new StandInProcess(spec, this.events);
    this.launched.push(process);
    this.mostStarting = Math.max(this.mostStarting, this.alive.length - this.running.length);
    this.events.emit('launched', process);
    return process;
  }

  /** Watched for real: it starts nothing. */
  watchUpstreams(spec: UpstreamSpec): UpstreamWatch {
    return new UpstreamWatch(spec, silentLog());
  }

  /** What runs or starts now. */
  get alive(): StandInProcess[] {
    return this.launched.filter(({ isStopped }) => !isStopped);
  }

  get running(): StandInProcess[] {
    return this.alive.filter(({ isReady }) => isReady);
  }

  async nextLaunch(): Promise<StandInProcess> {
    const [process] = await once(this.events, 'launched');
    return process as StandInProcess;
  }
}

export class StandInProcess implements DeploymentProcess {
  readonly deployment: string;
  readonly spec: DeploymentSpec;
  readonly ready: Promise<void>;
  readonly suspected: string[] = [];
  isReady = false;
  isStopped = false;
  addressCount = 1;
  stopTakesMs = 0;
  readonly kind: () => ApplicationKind;
  readonly #listeners: ((change: DeploymentChange) => void)[] = [];
  readonly #events: EventEmitter;
  #reject: (error: Error) => void = () => undefined;

  constructor(spec: DeploymentSpec, events: EventEmitter) {
    this.deployment = spec.deployment;
    this.spec = spec;
    this.#events = events;
    const file = join(spec.folder, 'behaviour');
    const behaviour = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
    this.kind = () => (behaviour === 'framework' ? 'framework' : 'server');
    this.ready = new Promise((resolve, reject) => {
      this.#reject = reject;
      if (behaviour.startsWith('fails')) {
        setTimeout(() => this.#fail(behaviour.slice('fails '.length)), 5);
      } else if (behaviour !== 'hangs') {
        setTimeout(() => {
          if (this.isStopped) return;
          this.isReady = true;
          resolve();
        }, 5);
      }
    });
    this.ready.catch(() => undefined);
  }

  get instance(): string {
    return `${this.deployment}/1#1`;
  }

  addresses(): readonly InstanceAddress[] {
    const one = { instance: this.instance, socketPath: `/run/${this.deployment}`, secret: '00' };
    return this.isReady && !this.isStopped && this.addressCount > 0 ? [one] : [];
  }

  status(): readonly InstanceStatus[] {
    return [
      {
        instance: this.instance,
        pid: 1,
        state: this.isReady ? 'running' : 'starting',
        restarts: 0,
        startedAt: undefined,
        rssBytes: 0,
        heapUsedBytes: 0,
        cpuSeconds: 0,
        utilization: 0,
      },
    ];
  }

  lastOutput(): readonly string[] {
    return [`output of ${this.spec.application}`];
  }

  onChange(listener: (change: DeploymentChange) => void): void {
    this.#listeners.push(listener);
  }

  suspect(instance: string): void {
    this.suspected.push(instance);
  }

  /** As the supervisor would tell of a change. */
  tell(change: DeploymentChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  async stop(): Promise<void> {
    if (this.isStopped) return;
    if (this.stopTakesMs > 0) await new Promise((resolve) => setTimeout(resolve, this.stopTakesMs));
    this.isStopped = true;
    this.#reject(new Error('stopped while starting'));
    this.#events.emit('stopped', this);
  }

  #fail(message: string): void {
    this.isStopped = true;
    const detail: StartFailureDetail = {
      step: 'load',
      message,
      stack: `Error: ${message}\n    at file://${this.spec.folder}/server.js:7:9`,
      lastOutput: ['about to fail'],
    };
    this.#reject(new StartFailure(this.deployment, detail));
  }
}
