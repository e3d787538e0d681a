import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { ServerLog } from '../../log/server-log.js';

/** How the captured output of an application is kept. */
export interface OutputSettings {
  readonly maxFileBytes: number;
  /** Older files beside the one that is written; at least 1. */
  readonly keptFiles: number;
}

/** Bytes waiting for the disk beyond which lines are dropped, so that a slow disk costs no memory. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * `logs/<application>/output.log`, rotated by size: `output.log.1` is the youngest of the older files. One per
 * application: the processes of its old and new version write into the same file. A disk that fails costs lines,
 * never the application.
 */
export class OutputLog {
  readonly #stream: RotatingFileStream;
  readonly #log: ServerLog;
  #isBroken = false;
  #dropped = 0;

  constructor(logsFolder: string, application: string, settings: OutputSettings, log: ServerLog) {
    this.#log = log;
    const folder = join(logsFolder, safeFileName(application));
    mkdirSync(folder, { recursive: true });
    this.#stream = createStream('output.log', {
      path: folder,
      size: `${Math.max(1, Math.floor(settings.maxFileBytes))}B`,
      rotate: settings.keptFiles,
    });
    this.#stream.on('error', (error) => this.#failed(application, error));
    this.#stream.on('warning', (error) =>
      log.warn({ application, err: error }, 'rotation of the output log failed'),
    );
  }

  /** Writes one line, without its end. Dropped when the disk does not keep up. */
  write(line: string): void {
    if (this.#isBroken) return;
    if (this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#tellDropped();
    this.#stream.write(`${line}\n`);
  }

  /** Resolves when everything is on disk, or the disk has failed. */
  close(): Promise<void> {
    if (this.#isBroken) return Promise.resolve();
    this.#tellDropped();
    return new Promise((resolve) => {
      this.#stream.once('error', () => resolve());
      this.#stream.end(() => resolve());
    });
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#stream.write(`... ${this.#dropped} lines left out: the disk did not keep up\n`);
    this.#dropped = 0;
  }

  #failed(application: string, error: Error): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#log.error(
      { application, err: error },
      'output of this application is no longer written to its log',
    );
  }
}

/** A file name for any application name: nothing in it can climb, hide or name a device. */
export function safeFileName(name: string): string {
  const encoded = name.replace(/[^A-Za-z0-9._#-]/g, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
  const visible = encoded.startsWith('.') || encoded === '' ? `_${encoded}` : encoded;
  return visible.slice(0, 200);
}
