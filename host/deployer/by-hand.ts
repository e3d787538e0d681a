import { messageOf } from '../errors.js';
import type { ContextParts } from './context-parts.js';
import { busy, NotStartedError, unknownApplication } from './deployer-errors.js';
import { rollbackTarget } from './history/deployment-history.js';
import type { KeptInstead } from './kept-instead.js';
import type { Place } from './place.js';
import { RolloutFailure } from './rollout/rollout-failure.js';
import type { SerialQueue } from './serial-queue.js';
import type { Serving } from './serving.js';
import type { Prepared, Version } from './version.js';

/**
 * What operators ask of the versions of one place. Each command runs in the line of the context; one that finds the
 * line at work is refused, except a stop, which ends what is under way. Owned by the context.
 */
export class ByHand {
  readonly #place: Place;
  readonly #parts: ContextParts;
  readonly #serving: Serving;
  readonly #line: SerialQueue;
  readonly #kept: KeptInstead;
  /** A stop or undeploy is on its way. */
  #isHalting = false;
  /** Another command is on its way. */
  #isCommanded = false;

  constructor(place: Place, parts: ContextParts, serving: Serving, line: SerialQueue, kept: KeptInstead) {
    this.#place = place;
    this.#parts = parts;
    this.#serving = serving;
    this.#line = line;
    this.#kept = kept;
  }

  /** Throws `PORTICO_APPLICATION_BUSY`, `PORTICO_START_FAILED`. */
  start(name: string): Promise<void> {
    return this.#command(name, async () => {
      const version = this.#version(name);
      await this.#release(version);
      if (this.#serving.active?.version === version && this.#serving.active.gaveUp === undefined) return;
      if (version.prepared === undefined) {
        version.prepared = await this.#kept.unlessPinned(
          version,
          await this.#prepareByHand(version, 'start'),
        );
      }
      await this.#tryNow(version);
    });
  }

  /** Ends a start that is on its way. Throws `PORTICO_APPLICATION_BUSY` when another stop is. */
  stop(name: string): Promise<void> {
    return this.#stopAndHold(name, 'stopped by an operator');
  }

  /** The application has called for its own end: it is stopped as an operator would stop it. A stop under way is enough. */
  stopForItself(name: string): void {
    if (this.#isHalting || this.#serving.isClosing) return;
    this.#stopAndHold(name, 'stopped at its own request').catch((error: unknown) =>
      this.#parts.log.error(
        { code: 'PORTICO_STOP_FAILED', err: error, application: name },
        `${name} asked to be stopped and could not be: ${messageOf(error)}`,
      ),
    );
  }

  /** The files are read again and new processes are started beside the old ones. Throws like `start`. */
  reload(name: string): Promise<void> {
    return this.#command(name, async () => {
      const version = this.#version(name);
      await this.#parts.unpin(name);
      version.prepared = await this.#prepareByHand(version, 'reload');
      await this.#release(version);
      await this.#tryNow(version);
    });
  }

  /**
   * Content that served before serves again; `to` as in `rollbackTarget`. It stays so until the files of the drop folder
   * change. Throws like `start`, and `PORTICO_ROLLBACK_IMPOSSIBLE`.
   */
  rollback(name: string, to: string | undefined): Promise<void> {
    return this.#command(name, async () => {
      const version = this.#version(name);
      const current = this.#serving.live.of(version)?.prepared ?? version.prepared;
      const journal = this.#parts.deployments();
      const target = rollbackTarget(name, journal.of(name), journal.limitOf(name), current?.key, to);
      const { fingerprint = '', key = '', descriptor, number } = target;
      version.prepared = await this.#serving.comeback.prepare(
        version,
        { fingerprint, key, descriptor },
        'rollback',
      );
      await this.#release(version);
      await this.#tryNow(version);
      await this.#parts.pin(version, version.prepared);
      this.#parts.log.info(
        {
          event: 'rolled-back',
          application: name,
          path: this.#place.id,
          from: current?.fingerprint,
          to: fingerprint,
        },
        `${name} is rolled back to deployment ${number}`,
      );
    });
  }

  /**
   * Ends a start that is on its way, then runs `task` in the line. Throws `PORTICO_APPLICATION_BUSY` when a stop or an
   * undeploy by hand is on its way already.
   */
  halt(name: string, task: () => Promise<void> = async () => undefined): Promise<void> {
    if (this.#isHalting) throw busy(name);
    this.#isHalting = true;
    this.#serving.work.interrupt(name, `${name} is being stopped by an operator`);
    return this.#line.run(task).finally(() => {
      this.#isHalting = false;
    });
  }

  #stopAndHold(name: string, how: string): Promise<void> {
    return this.halt(name, async () => {
      const version = this.#version(name);
      version.wish = 'held';
      await this.#parts.hold(name, true);
      await this.#serving.settle();
      await this.#serving.retirements.over(version);
      this.#serving.say(version, `${how}; it stays so until it is started by hand`);
    });
  }

  /** One command at a time, and none during a rollout; what else the context does is short, and waited for. */
  #command(name: string, task: () => Promise<void>): Promise<void> {
    if (this.#isCommanded || this.#isHalting || this.#serving.work.isUnderWay) throw busy(name);
    this.#isCommanded = true;
    return this.#line.run(task).finally(() => {
      this.#isCommanded = false;
    });
  }

  async #release(version: Version): Promise<void> {
    if (version.wish === 'held') version.wish = 'run';
    await this.#parts.hold(version.name, false);
  }

  async #prepareByHand(version: Version, trigger: 'start' | 'reload'): Promise<Prepared> {
    try {
      return await this.#serving.prepareOrThrow(version, trigger);
    } catch (error) {
      if (error instanceof RolloutFailure) throw error;
      throw new NotStartedError(version.name, messageOf(error), [], error);
    }
  }

  /** Whatever became of it before. Throws `PORTICO_START_FAILED`. */
  async #tryNow(version: Version): Promise<void> {
    version.wish = 'run';
    version.rejected = undefined;
    this.#serving.sides.retry(version);
    await this.#serving.settle();
    this.#throwIfFailed(version);
  }

  #throwIfFailed(version: Version): void {
    const why = version.wish === 'failed' ? version.reason : version.pendingFailure;
    if (why !== undefined) throw new NotStartedError(version.name, why, version.lastOutput);
    if (this.#serving.active === undefined)
      throw new NotStartedError(version.name, 'it was stopped while it was starting', []);
  }

  #version(name: string): Version {
    const version = this.#serving.versions.get(name);
    if (version === undefined) throw unknownApplication(name);
    return version;
  }
}
