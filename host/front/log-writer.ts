import { stat } from 'node:fs';
import { join } from 'node:path';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';

/** Where lines go, and how much of them is kept. */
export interface LogWriterSettings {
  readonly folder: string;
  /** `access.log`; older files are `access.log.1` (the latest) and so on. */
  readonly fileName: string;
  /** The file is rotated when it has reached this size. */
  readonly maxFileBytes: number;
  /** Rotated files kept; at least 1. */
  readonly keptFiles: number;
  /** Lines waiting for the disk; beyond it lines are dropped. Default 8 MiB. */
  readonly maxPendingBytes?: number;
}

/**
 * Appends lines to a file without ever making the caller wait: lines gather in memory and leave in batches. A disk
 * that stalls or is full costs lines, which are counted, never memory without bound. A file that somebody else has
 * moved away is opened anew.
 *
 * Owned by whoever logs; `close` writes what is left.
 */
export class LogWriter {
  readonly #settings: LogWriterSettings;
  readonly #onDropped: (lines: number) => void;
  readonly #maxPendingBytes: number;
  readonly #timer: NodeJS.Timeout;
  #stream: RotatingFileStream | undefined;
  #pending = '';
  #pendingLines = 0;
  #linesOnTheirWay = 0;
  /** Index node of the open file; undefined while it is not known, as during a rotation. */
  #inode: number | undefined;
  #ticks = 0;
  #isClosed = false;

  constructor(settings: LogWriterSettings, onDropped: (lines: number) => void) {
    this.#settings = settings;
    this.#onDropped = onDropped;
    this.#maxPendingBytes = settings.maxPendingBytes ?? 8 * 1024 * 1024;
    this.#open();
    this.#timer = setInterval(this.#tick, FLUSH_MS);
    this.#timer.unref();
  }

  /** `line` is ASCII and ends with a line end. */
  write(line: string): void {
    if (this.#isClosed || this.#pending.length + line.length > this.#maxPendingBytes) {
      this.#onDropped(1);
      return;
    }
    this.#pending += line;
    this.#pendingLines++;
    if (this.#pending.length >= BATCH_BYTES) this.#flush();
  }

  /** Writes what is left, and closes the file. Resolves at the latest after `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    const stream = this.#stream;
    if (stream === undefined) {
      this.#onDropped(this.#pendingLines);
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      stream.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      stream.end(this.#pending);
    });
    this.#pending = '';
  }

  readonly #tick = (): void => {
    this.#ticks++;
    if (this.#ticks % TICKS_PER_CHECK === 0) {
      if (this.#stream === undefined) this.#open();
      else this.#reopenWhenMoved();
    }
    this.#flush();
  };

  #flush(): void {
    if (this.#stream === undefined || this.#linesOnTheirWay > 0 || this.#pendingLines === 0) return;
    this.#linesOnTheirWay = this.#pendingLines;
    const batch = this.#pending;
    this.#pending = '';
    this.#pendingLines = 0;
    const stream = this.#stream;
    stream.write(batch, (error) => {
      if (stream !== this.#stream) return;
      if (error) this.#onDropped(this.#linesOnTheirWay);
      this.#linesOnTheirWay = 0;
      if (this.#pending.length >= BATCH_BYTES) this.#flush();
    });
  }

  #open(): void {
    const { fileName, folder, keptFiles, maxFileBytes } = this.#settings;
    const stream = createStream((index) => (index ? `${fileName}.${String(index)}` : fileName), {
      path: folder,
      size: `${Math.max(1, Math.trunc(maxFileBytes))}B`,
      rotate: Math.max(1, keptFiles),
      mode: 0o640,
    });
    this.#inode = undefined;
    this.#linesOnTheirWay = 0;
    this.#stream = stream;
    stream.on('open', () => this.#rememberInode(stream));
    stream.on('rotation', () => {
      this.#inode = undefined;
    });
    // The stream is of no use after an error; the next check makes a new one.
    stream.on('error', () => {
      if (this.#stream === stream) this.#abandon();
    });
    stream.on('close', () => {
      if (this.#stream === stream && !this.#isClosed) this.#abandon();
    });
  }

  #abandon(): void {
    this.#stream = undefined;
    if (this.#linesOnTheirWay > 0) this.#onDropped(this.#linesOnTheirWay);
    this.#linesOnTheirWay = 0;
  }

  #rememberInode(stream: RotatingFileStream): void {
    stat(this.#path, (error, stats) => {
      if (this.#stream === stream) this.#inode = error === null ? stats.ino : undefined;
    });
  }

  #reopenWhenMoved(): void {
    const expected = this.#inode;
    const stream = this.#stream;
    if (expected === undefined || stream === undefined) return;
    stat(this.#path, (error, stats) => {
      if (this.#isClosed || this.#stream !== stream || this.#inode !== expected) return;
      if (error === null ? stats.ino === expected : error.code !== 'ENOENT') return;
      // What is on its way still goes to the moved file: `end` waits for it.
      stream.removeAllListeners('close');
      stream.end();
      this.#open();
    });
  }

  get #path(): string {
    return join(this.#settings.folder, this.#settings.fileName);
  }
}

const FLUSH_MS = 200;
const BATCH_BYTES = 64 * 1024;
/** Once a second: is the file still there, must it be opened again? */
const TICKS_PER_CHECK = 5;
