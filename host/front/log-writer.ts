import { createWriteStream, fstat, mkdir, type Stats, stat } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { createStream } from 'rotating-file-stream';
import { messageOf } from '../errors.js';
import { systemCodeOf } from '../system-error.js';
import { LogChunk } from './log-chunk.js';
import { shiftFiles } from './shift-files.js';

/** Where lines go, and how much of them is kept. */
export interface LogWriterSettings {
  readonly folder: string;
  /** `access.log`; older files are `access.log.1` (the latest) and so on. */
  readonly fileName: string;
  /** The file is rotated when it has reached this size. */
  readonly maxFileBytes: number;
  /** Rotated files kept; at least 1. */
  readonly keptFiles: number;
  /**
   * Several processes append to the file. Each write is one piece of whole lines, which the system appends as such
   * (O_APPEND). The one that `rotates` looks once a second whether the file is full, and moves it; the others, and itself,
   * find it moved and open a new one. So nobody waits for another, and files get up to two seconds of lines more.
   */
  readonly shared?: { readonly rotates: boolean };
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
  readonly #maxWaiting: number;
  readonly #timer: NodeJS.Timeout;
  #stream: LogStream | undefined;
  /** Lines are put here. */
  #current = new LogChunk(CHUNK_BYTES);
  /** Full, oldest first. */
  #waiting: LogChunk[] = [];
  /** With the stream at the moment. */
  #leaving: LogChunk | undefined;
  /** Written, to be used again. */
  #spare: LogChunk | undefined;
  /** Index node of the open file; undefined while it is not known, as during a rotation. */
  #inode: number | undefined;
  #ticks = 0;
  #isShifting = false;
  #isClosed = false;

  constructor(settings: LogWriterSettings, onDropped: (lines: number) => void) {
    this.#settings = settings;
    this.#onDropped = onDropped;
    this.#maxWaiting = Math.floor((settings.maxPendingBytes ?? DEFAULT_PENDING_BYTES) / CHUNK_BYTES);
    this.#open();
    this.#timer = setInterval(this.#tick, FLUSH_MS);
    this.#timer.unref();
  }

  /**
   * Where the next line goes, with room for `size` bytes, at most `MAX_RESERVED_BYTES`; `commit` when it is written.
   * Undefined when the line must be dropped, which is counted already.
   */
  reserve(size: number): LogChunk | undefined {
    if (this.#current.room >= size && !this.#isClosed) return this.#current;
    if (this.#isClosed || this.#waiting.length >= this.#maxWaiting) {
      this.#onDropped(1);
      return undefined;
    }
    this.#seal();
    this.#flush();
    return this.#current;
  }

  /** The line in the reserved chunk is complete. */
  commit(): void {
    this.#current.lines++;
    if (this.#current.at >= BATCH_BYTES && this.#leaving === undefined) this.#flush();
  }

  /** Writes what is left, and closes the file. Resolves at the latest after `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    const stream = this.#stream;
    const rest = [...this.#waiting, this.#current];
    this.#waiting = [];
    if (stream === undefined) {
      this.#onDropped(rest.reduce((lines, chunk) => lines + chunk.lines, 0));
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      stream.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      for (const chunk of rest) if (chunk.at > 0) stream.write(chunk.bytes.subarray(0, chunk.at));
      stream.end();
    });
  }

  readonly #tick = (): void => {
    this.#ticks++;
    if (this.#ticks % TICKS_PER_CHECK === 0) {
      if (this.#stream === undefined) this.#open();
      else this.#reopenWhenMoved();
    }
    this.#flush();
  };

  /** Puts the current chunk behind those that wait, and begins another. */
  #seal(): void {
    this.#waiting.push(this.#current);
    this.#current = this.#spare ?? new LogChunk(CHUNK_BYTES);
    this.#spare = undefined;
  }

  #flush(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#leaving !== undefined) return;
    if (this.#waiting.length === 0 && this.#current.lines > 0) this.#seal();
    const chunk = this.#waiting.shift();
    if (chunk === undefined) return;
    this.#leaving = chunk;
    stream.write(chunk.bytes.subarray(0, chunk.at), (error) => {
      if (this.#leaving !== chunk) return;
      this.#leaving = undefined;
      if (error) this.#onDropped(chunk.lines);
      chunk.clear();
      this.#spare = chunk;
      // After an error the stream is of no use; the next tick goes on with another.
      if (error) return;
      if (this.#waiting.length > 0 || this.#current.at >= BATCH_BYTES) this.#flush();
    });
  }

  #open(): void {
    const { fileName, folder, keptFiles, maxFileBytes, shared } = this.#settings;
    const stream: LogStream =
      shared === undefined
        ? createStream((index) => (index ? `${fileName}.${String(index)}` : fileName), {
            path: folder,
            size: `${Math.max(1, Math.trunc(maxFileBytes))}B`,
            rotate: keptFiles,
            mode: 0o640,
          })
        : createWriteStream(this.#path, { flags: 'a', mode: 0o640 });
    this.#inode = undefined;
    this.#stream = stream;
    // Of a shared file, what is open may not be what has the name any more: that one is asked by its descriptor.
    stream.on('open', (opened: unknown) => this.#rememberInode(stream, opened));
    stream.on('rotation', () => {
      this.#inode = undefined;
    });
    // The stream is of no use after an error; the next check makes a new one.
    stream.on('error', (error) => {
      this.#abandon(stream);
      // The other kind of stream does so itself. Where it fails, the next stream fails too.
      if (shared !== undefined && systemCodeOf(error) === 'ENOENT')
        mkdir(folder, { recursive: true }, () => undefined);
    });
    stream.on('close', () => {
      if (!this.#isClosed) this.#abandon(stream);
    });
  }

  #abandon(stream: LogStream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    // Nobody knows how much of it was written.
    if (this.#leaving !== undefined) this.#onDropped(this.#leaving.lines);
    this.#leaving = undefined;
  }

  #rememberInode(stream: LogStream, opened: unknown): void {
    const remember = (error: unknown, stats: Stats): void => {
      if (this.#stream === stream) this.#inode = error === null ? stats.ino : undefined;
    };
    if (typeof opened === 'number') fstat(opened, remember);
    else stat(this.#path, remember);
  }

  #reopenWhenMoved(): void {
    const expected = this.#inode;
    const stream = this.#stream;
    if (expected === undefined || stream === undefined) return;
    stat(this.#path, (error, stats) => {
      if (this.#isClosed || this.#stream !== stream || this.#inode !== expected) return;
      if (error === null && stats.ino === expected) {
        if (stats.size >= this.#settings.maxFileBytes) void this.#shift();
        return;
      }
      if (error !== null && error.code !== 'ENOENT') return;
      // A chunk on its way still goes to the moved file: `end` waits for it.
      stream.end();
      this.#open();
    });
  }

  async #shift(): Promise<void> {
    const { keptFiles, shared } = this.#settings;
    if (shared?.rotates !== true || this.#isShifting) return;
    this.#isShifting = true;
    try {
      await shiftFiles(this.#path, keptFiles);
    } catch (error) {
      // The file grows on, and the next check tries again.
      process.emitWarning(`${this.#path} cannot be rotated: ${messageOf(error)}`, {
        code: 'PORTICO_LOG_ROTATION',
      });
    }
    this.#isShifting = false;
  }

  get #path(): string {
    return join(this.#settings.folder, this.#settings.fileName);
  }
}

type LogStream = Writable;

/** Most bytes that can be reserved for a line. */
const MAX_RESERVED_BYTES = 128 * 1024;

const FLUSH_MS = 200;
/** A chunk is written when it holds this much, or after `FLUSH_MS`. */
const BATCH_BYTES = 64 * 1024;
const CHUNK_BYTES = BATCH_BYTES + MAX_RESERVED_BYTES;
const DEFAULT_PENDING_BYTES = 8 * 1024 * 1024;
/** Once a second: is the file still there, must it be opened again? */
const TICKS_PER_CHECK = 5;
