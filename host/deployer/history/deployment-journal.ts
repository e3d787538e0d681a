import { copyFile, type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import type { DeployerLog } from '../collaborators.js';
import { SerialQueue } from '../serial-queue.js';
import { limitOf, retained } from './deployment-history.js';
import {
  applyLine,
  type DeploymentFacts,
  type DeploymentRecord,
  type JournalLine,
  lineSchema,
  stepOf,
} from './deployment-record.js';
import { type DeploymentStep, isUnderWay, requireStep } from './deployment-steps.js';
import { JournalWrites } from './journal-writes.js';
import { replaceFile } from './replace-file.js';
import { readWorkText } from './work-file.js';

/** In the work folder. */
export const DEPLOYMENTS_FILE = 'deployments.log';
/** Lines after which the file is made compact while the server runs; it is at each start too. */
const MAX_LINES = 20_000;
/** Applications that are gone and still have a history. */
const MAX_GONE = 200;

/**
 * What became of every deployment, step by step: a file of lines to which each step is added and synced, so that it is
 * there after any end of the server. A last line that was being written is ignored. Steps are on disk within
 * milliseconds; no rollout waits for them, since what is deployed follows from the drop folder and `Journal` alone. It is
 * the memory of the history, and tells which contents are kept. Owned by the deployer.
 */
export class DeploymentJournal {
  readonly #folder: string;
  readonly #log: DeployerLog;
  readonly #writes: JournalWrites;
  readonly #historyLimit: number;
  readonly #records = new Map<string, DeploymentRecord[]>();
  readonly #lane = new SerialQueue();
  #file: FileHandle | undefined;
  #pending: string[] = [];
  #lines = 0;
  /** A write has failed: lines are missing in the file, or cut. It is to be written anew as a whole. */
  #isTorn = false;
  #isClosed = false;

  private constructor(folder: string, log: DeployerLog, historyLimit: number) {
    this.#folder = folder;
    this.#log = log;
    const what = `${DEPLOYMENTS_FILE} in ${folder}`;
    this.#writes = new JournalWrites(log, what, 'the history of deployments has a gap');
    this.#historyLimit = historyLimit;
  }

  /**
   * Reads the file, notes that what was under way ended with the last server, and writes it anew without what is not
   * needed. `historyLimit`: contents kept of an application that does not say so itself.
   */
  static async open(folder: string, log: DeployerLog, historyLimit: number): Promise<DeploymentJournal> {
    const journal = new DeploymentJournal(folder, log, historyLimit);
    await journal.#read();
    journal.#endWhatWasUnderWay();
    await journal.#lane.run(() => journal.#compact());
    return journal;
  }

  /** A deployment begins, with this step. */
  begin(name: string, step: DeploymentStep, facts: DeploymentFacts): DeploymentEntry {
    const number = (this.#records.get(name)?.at(-1)?.number ?? 0) + 1;
    const entry = new DeploymentEntry(name, number, (line) => this.#add(line));
    entry.step(step, facts);
    return entry;
  }

  /** Of one application, oldest first. */
  of(name: string): readonly DeploymentRecord[] {
    return this.#records.get(name) ?? [];
  }

  /** Of all applications, by name. */
  all(): ReadonlyMap<string, readonly DeploymentRecord[]> {
    return this.#records;
  }

  /** How many contents are kept of an application. */
  limitOf(name: string): number {
    return limitOf(this.of(name), this.#historyLimit);
  }

  /** These contents, of whichever application, are the only ones in the store now. */
  collected(inUse: ReadonlySet<string>): void {
    for (const [name, records] of this.#records) {
      for (const record of [...records]) {
        const { number, fingerprint } = record;
        const step = stepOf(record);
        if (fingerprint === undefined || inUse.has(fingerprint)) continue;
        if (step === 'stopped' || step === 'failed' || step === 'expanded')
          this.#add({ kind: 'step', name, number, ...stepNow(record, 'removed') });
      }
      this.#forget(name);
    }
  }

  /** Resolves when everything said so far is on disk, or could not be written. */
  async flush(): Promise<void> {
    await this.#lane.run(async () => undefined);
  }

  /** What is said later is not written: the next start finds it ended with the server. */
  async close(): Promise<void> {
    await this.#lane.run(async () => {
      this.#isClosed = true;
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  #add(line: JournalLine): void {
    applyLine(this.#records, line);
    this.#pending.push(`${JSON.stringify(line)}\n`);
    // What comes in the same turn goes to the disk together.
    if (this.#pending.length === 1) void this.#lane.run(() => this.#writePending());
  }

  async #writePending(): Promise<void> {
    const lines = this.#pending;
    this.#pending = [];
    if (lines.length === 0 || this.#isClosed) return;
    this.#lines += lines.length;
    if (this.#isTorn || this.#lines > MAX_LINES) {
      await this.#compact();
      return;
    }
    await this.#write(async () => {
      this.#file ??= await open(join(this.#folder, DEPLOYMENTS_FILE), 'a', 0o600);
      await this.#file.appendFile(lines.join(''));
      await this.#file.datasync();
    });
  }

  async #compact(): Promise<void> {
    this.#forgetGone();
    const records = [...this.#records.values()].flat();
    const text = records.map((record) => `${JSON.stringify({ kind: 'record', ...record })}\n`).join('');
    this.#pending = [];
    this.#lines = records.length;
    await this.#write(async () => {
      await this.#file?.close();
      this.#file = undefined;
      await mkdir(this.#folder, { recursive: true });
      await replaceFile(join(this.#folder, DEPLOYMENTS_FILE), text);
    });
  }

  async #read(): Promise<void> {
    const path = join(this.#folder, DEPLOYMENTS_FILE);
    const text = await readWorkText(path, this.#log, 'the history of deployments begins anew');
    if (text === undefined) return;
    const lines = text.split('\n');
    // What follows the last line end was being written when the server ended.
    lines.pop();
    let broken = 0;
    for (const line of lines) {
      const parsed = lineOf(line);
      if (parsed === undefined) broken++;
      else applyLine(this.#records, parsed);
    }
    if (broken === 0) return;
    const copy = `${path}.broken`;
    const where = await copyFile(path, copy).then(
      () => `as it was, it is kept as ${copy}`,
      (error: unknown) => `it could not be copied: ${messageOf(error)}`,
    );
    this.#log.error(
      { code: 'PORTICO_JOURNAL_BROKEN' },
      `${broken} of ${lines.length} lines of ${path} cannot be read and are left out; the history of deployments is incomplete; ${where}`,
    );
  }

  #endWhatWasUnderWay(): void {
    for (const records of this.#records.values()) {
      for (const [index, record] of records.entries()) {
        const step = stepOf(record);
        if (step === undefined || !isUnderWay(step)) continue;
        const cause = record.cause ?? 'the server ended';
        records[index] = { ...record, cause, steps: [...record.steps, stepNow(record, 'stopped')] };
      }
    }
  }

  /** Records of one application that are not kept any more. */
  #forget(name: string): void {
    const records = this.of(name);
    const stay = retained(records, this.limitOf(name));
    if (stay.length === records.length) return;
    const staying = new Set(stay);
    for (const record of records) {
      if (!staying.has(record)) this.#add({ kind: 'drop', name, number: record.number });
    }
  }

  #forgetGone(): void {
    for (const name of [...this.#records.keys()])
      this.#records.set(name, [...retained(this.of(name), this.limitOf(name))]);
    const gone = [...this.#records].filter(([, records]) =>
      records.every((record) => stepOf(record) === 'removed'),
    );
    const newest = (records: readonly DeploymentRecord[]): string => records.at(-1)?.steps.at(-1)?.at ?? '';
    gone.sort(([, left], [, right]) => (newest(left) < newest(right) ? 1 : -1));
    for (const [name] of gone.slice(MAX_GONE)) this.#records.delete(name);
  }

  /** What cannot be written is missing in the file, which is written anew as a whole the next time. */
  async #write(work: () => Promise<void>): Promise<void> {
    this.#isTorn = !(await this.#writes.attempt(work));
  }
}

/** One deployment that is under way, as the one who carries it out sees it. */
export class DeploymentEntry {
  readonly name: string;
  readonly number: number;
  readonly #add: (line: JournalLine) => void;
  #step: DeploymentStep | undefined;
  #since = performance.now();

  constructor(name: string, number: number, add: (line: JournalLine) => void) {
    this.name = name;
    this.number = number;
    this.#add = add;
  }

  get current(): DeploymentStep | undefined {
    return this.#step;
  }

  /** It has come so far; throws `PORTICO_ILLEGAL_STATE` when the table of steps does not have this. */
  step(step: DeploymentStep, facts: Partial<DeploymentFacts> = {}): void {
    const { name, number } = this;
    requireStep(`deployment ${number} of ${name}`, this.#step, step);
    const now = performance.now();
    const ms = this.#step === undefined ? 0 : Math.round(now - this.#since);
    this.#step = step;
    this.#since = now;
    this.#add({ kind: 'step', name, number, step, at: new Date().toISOString(), ms, ...facts });
  }

  /** It came to nothing that is worth remembering. */
  drop(): void {
    this.#add({ kind: 'drop', name: this.name, number: this.number });
  }
}

function stepNow(record: DeploymentRecord, step: DeploymentStep): DeploymentRecord['steps'][number] {
  const last = record.steps.at(-1);
  const now = new Date();
  const ms = last === undefined ? 0 : Math.max(0, now.getTime() - Date.parse(last.at));
  return { step, at: now.toISOString(), ms };
}

function lineOf(text: string): JournalLine | undefined {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    // Counted by the caller, who says where.
    return undefined;
  }
}
