import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';
import type { DeployerLog } from '../collaborators.js';
import { SerialQueue } from '../serial-queue.js';
import { JournalWrites } from './journal-writes.js';
import { replaceFile } from './replace-file.js';

const FILE = 'deployer.json';

const journalSchema = z.strictObject({
  format: z.literal(1),
  held: z.array(z.string()),
  holders: z.array(z.tuple([z.string(), z.string()])),
  buried: z.array(z.tuple([z.string(), z.string()])),
  pins: z
    .array(
      z.tuple([
        z.string(),
        z.strictObject({
          fingerprint: z.string(),
          key: z.string(),
          descriptor: z.string().optional(),
          instead: z.string(),
          number: z.number(),
        }),
      ]),
    )
    .default([]),
});

/** Content that serves although the drop folder holds other content: after a rollback. */
export interface Pin {
  readonly fingerprint: string;
  /** Fingerprint and descriptor in one. */
  readonly key: string;
  /** Hash of the operator's descriptor it was deployed with, which is kept in the work folder. */
  readonly descriptor?: string | undefined;
  /** Key of the content of the drop folder that is not to serve. As soon as there is another, the pin is void. */
  readonly instead: string;
  /** Number of the deployment that was returned to. */
  readonly number: number;
}

/**
 * The few things that cannot be read from the drop folder: what an operator stopped, which of two bundles had a path
 * first, what could not be deleted, and what was rolled back. One file in the work folder, replaced as a whole. Losing it
 * does no harm beyond these; what is deployed always follows from the drop folder. Owned by the deployer.
 */
export class Journal {
  /** Names an operator has stopped. */
  readonly held: Set<string>;
  /** Place and version (`/shop##2`, `blog.example/##`) → name of the bundle that has it. */
  readonly holders: Map<string, string>;
  /** Name → signature of what a failed undeploy left over. */
  readonly buried: Map<string, string>;
  /** Name → what serves instead of what lies in the drop folder. */
  readonly pins: Map<string, Pin>;
  readonly #folder: string;
  readonly #writes: JournalWrites;
  readonly #lane = new SerialQueue();
  /** A write that has not begun: it will contain whatever is changed until then. */
  #next: Promise<void> | undefined;
  #written = '';

  private constructor(folder: string, log: DeployerLog, content: z.infer<typeof journalSchema>) {
    this.#folder = folder;
    const effect = 'what operators stop is forgotten at a restart';
    this.#writes = new JournalWrites(log, `the journal in ${folder}`, effect);
    this.held = new Set(content.held);
    this.holders = new Map(content.holders);
    this.buried = new Map(content.buried);
    this.pins = new Map(content.pins);
  }

  /** Reads the journal; a missing one is empty, a broken one is set aside with a message. */
  static async open(folder: string, log: DeployerLog): Promise<Journal> {
    const empty = { format: 1 as const, held: [], holders: [], buried: [], pins: [] };
    const path = join(folder, FILE);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') {
        log.error(
          { code: 'PORTICO_JOURNAL_UNREADABLE', err: error },
          `${path} cannot be read (${messageOf(error)}); stopped applications will be started`,
        );
      }
      return new Journal(folder, log, empty);
    }
    try {
      return new Journal(folder, log, journalSchema.parse(JSON.parse(text)));
    } catch (error) {
      const aside = `${path}.broken-${Date.now()}`;
      log.error(
        { code: 'PORTICO_JOURNAL_BROKEN', err: error },
        `${path} is not a journal any more; it is set aside as ${aside}, and stopped applications will be started`,
      );
      await rename(path, aside).catch((cause: unknown) => {
        log.warn({ err: cause }, `${path} could not be renamed: ${messageOf(cause)}`);
      });
      return new Journal(folder, log, empty);
    }
  }

  /** Drops everything that is remembered of a name. */
  forget(name: string): void {
    this.held.delete(name);
    this.buried.delete(name);
    this.pins.delete(name);
    for (const [claim, holder] of this.holders) if (holder === name) this.holders.delete(claim);
  }

  /** Writes what has changed. Never rejects: a full disk must not stop a deployment; it is said once. */
  save(): Promise<void> {
    this.#next ??= this.#lane.run(() => {
      this.#next = undefined;
      return this.#write();
    });
    return this.#next;
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(
      {
        format: 1,
        held: [...this.held],
        holders: [...this.holders],
        buried: [...this.buried],
        pins: [...this.pins],
      },
      undefined,
      2,
    );
    if (text === this.#written) return;
    const isWritten = await this.#writes.attempt(async () => {
      await mkdir(this.#folder, { recursive: true });
      await replaceFile(join(this.#folder, FILE), text);
    });
    if (isWritten) this.#written = text;
  }
}
