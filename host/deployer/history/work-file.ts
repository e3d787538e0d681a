import { mkdir, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';
import type { DeployerLog } from '../collaborators.js';
import { SerialQueue } from '../serial-queue.js';
import { JournalWrites } from './journal-writes.js';
import { replaceFile } from './replace-file.js';

/**
 * A small JSON file of the work folder: read once, then replaced as a whole whenever its content has changed. A full disk or
 * a broken file must not stop a deployment: both are said, with what is lost by it. Owned by whoever has the content.
 */
export class WorkFile {
  readonly #path: string;
  readonly #content: () => unknown;
  readonly #writes: JournalWrites;
  readonly #lane = new SerialQueue();
  /** A write that has not begun: it will contain whatever is changed until then. */
  #next: Promise<void> | undefined;
  #written = '';

  /** `content` gives what is to be in the file now; `loss`: the end of the message when it cannot be written. */
  constructor(path: string, log: DeployerLog, loss: string, content: () => unknown) {
    this.#path = path;
    this.#content = content;
    this.#writes = new JournalWrites(log, path, loss);
  }

  /**
   * What `parse` makes of the file. Undefined, with a message that ends with `loss`: it cannot be read, or it is broken and
   * was set aside. Undefined without a message: there is none.
   */
  static async read<Content>(
    path: string,
    log: DeployerLog,
    loss: string,
    parse: (data: unknown) => Content,
  ): Promise<Content | undefined> {
    const text = await readWorkText(path, log, loss);
    if (text === undefined) return undefined;
    try {
      return parse(JSON.parse(text));
    } catch (error) {
      const aside = `${path}.broken-${Date.now()}`;
      log.error(
        { code: 'PORTICO_JOURNAL_BROKEN', err: error },
        `${path} is broken; it is set aside as ${aside}, and ${loss}`,
      );
      await rename(path, aside).catch((cause: unknown) => {
        log.warn({ err: cause }, `${path} could not be renamed: ${messageOf(cause)}`);
      });
      return undefined;
    }
  }

  /** Writes what has changed. Resolves when it is on disk, or could not be written; never rejects. */
  save(): Promise<void> {
    this.#next ??= this.#lane.run(() => {
      this.#next = undefined;
      return this.#write();
    });
    return this.#next;
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(this.#content(), undefined, 2);
    if (text === this.#written) return;
    const isWritten = await this.#writes.attempt(async () => {
      await mkdir(dirname(this.#path), { recursive: true });
      await replaceFile(this.#path, text);
    });
    if (isWritten) this.#written = text;
  }
}

/** The text of a file of the work folder. Undefined, with a message that ends with `loss`: it cannot be read; without: there is none. */
export async function readWorkText(
  path: string,
  log: DeployerLog,
  loss: string,
): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') {
      log.error(
        { code: 'PORTICO_JOURNAL_UNREADABLE', err: error },
        `${path} cannot be read (${messageOf(error)}); ${loss}`,
      );
    }
    return undefined;
  }
}
