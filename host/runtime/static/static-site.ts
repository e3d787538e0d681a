import { constants } from 'node:fs';
import { open, readFile, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { AbortReason, type Exchange } from '../../exchange/exchange.js';
import { contentTypeOf } from '../../http/file-content-type.js';
import { findFile, isAbsence } from '../../http/public-file.js';
import { namesOf } from '../../http/public-path.js';
import type { Mount, Runtime } from '../mount.js';
import { answerPlainly, redirectToFolder } from '../plain-answer.js';
import { select, type Validators } from './conditions.js';
import { FileBody } from './file-body.js';
import { type CachedFile, FileCache } from './file-cache.js';

/**
 * A folder of files as a context, served by the front itself since it runs no code of an application. GET and HEAD;
 * index.html for folders; validators, conditions and one range; small files from memory, big ones streamed at the
 * pace of the client. Anything that must not be seen is answered like something that does not exist.
 *
 * Owned by the front; outlives the mapping for as long as a body is still being sent.
 */
export class StaticSite implements Runtime {
  readonly #folder: string;
  readonly #onError: (thrown: unknown) => void;
  readonly #cache = new FileCache(CACHE_BYTES);
  /** Real path of the folder; looked up by the first request. */
  #root: string | undefined;
  #open = 0;
  #onIdle: (() => void) | undefined;

  /**
   * `folder` is absolute. It may not exist (yet): then everything is 404. `onError` hears of failures of the file
   * system that say nothing about the request, such as too many open files.
   */
  constructor(folder: string, onError: (thrown: unknown) => void) {
    this.#folder = folder;
    this.#onError = onError;
  }

  get openExchanges(): number {
    return this.#open;
  }

  handle(exchange: Exchange, _mount: Mount, within: string): void {
    const { method } = exchange.head;
    if (method !== 'GET' && method !== 'HEAD') {
      this.#refuseMethod(exchange);
      return;
    }
    const cached = this.#cache.get(within);
    if (cached !== undefined && performance.now() - cached.checkedAt < FileCache.FRESH_MS) {
      sendCached(exchange, cached);
      return;
    }
    this.#open++;
    const body = new FileBody(exchange);
    this.#find(exchange, body, within, cached).then(this.#onDone, (thrown: unknown) => {
      this.#onError(thrown);
      if (exchange.isBegun) exchange.abort(AbortReason.APPLICATION_ERROR);
      else if (!body.isGone) answerFileError(exchange);
      this.#onDone();
    });
  }

  retire(onIdle: () => void): void {
    this.#onIdle = onIdle;
    if (this.#open === 0) setImmediate(this.#announceIdle);
  }

  revive(): void {
    this.#onIdle = undefined;
  }

  readonly #onDone = (): void => {
    this.#open--;
    if (this.#open === 0) this.#announceIdle();
  };

  readonly #announceIdle = (): void => {
    const onIdle = this.#onIdle;
    if (onIdle === undefined || this.#open > 0) return;
    this.#onIdle = undefined;
    onIdle();
  };

  #refuseMethod(exchange: Exchange): void {
    const allow = ['allow', 'GET, HEAD, OPTIONS'];
    if (exchange.head.method === 'OPTIONS') exchange.respond(204, allow, undefined);
    // RFC 9110 §15.5.6: a 405 names what is allowed.
    else answerPlainly(exchange, 405, 'These are static files; they can only be read.', allow);
  }

  async #find(
    exchange: Exchange,
    body: FileBody,
    within: string,
    stale: CachedFile | undefined,
  ): Promise<void> {
    if (stale !== undefined && (await isUnchanged(stale))) {
      stale.checkedAt = performance.now();
      if (!body.isGone) sendCached(exchange, stale);
      return;
    }
    this.#cache.delete(within);
    const names = namesOf(within);
    const root = names === undefined ? undefined : await this.#realRoot();
    if (body.isGone) return;
    if (names === undefined || root === undefined) {
      answerNotFound(exchange);
      return;
    }
    const found = await findFile(root, names);
    if (body.isGone) return;
    if (found.kind === 'nothing') answerNotFound(exchange);
    else if (found.kind === 'folder') redirectToFolder(exchange);
    else if (found.stats.size <= FileCache.MAX_FILE_BYTES) {
      const file = await load(found.file);
      this.#cache.put(within, file);
      if (!body.isGone) sendCached(exchange, file);
    } else await stream(exchange, body, found.file);
  }

  async #realRoot(): Promise<string | undefined> {
    if (this.#root !== undefined) return this.#root;
    try {
      this.#root = await realpath(this.#folder);
    } catch (thrown) {
      if (!isAbsence(thrown)) throw thrown;
    }
    return this.#root;
  }
}

/** Memory for small files of one site. */
const CACHE_BYTES = 4 * 1024 * 1024;

async function isUnchanged(cached: CachedFile): Promise<boolean> {
  try {
    const stats = await stat(cached.file);
    return stats.isFile() && stats.mtimeMs === cached.mtimeMs && stats.size === cached.body.length;
  } catch (thrown) {
    if (isAbsence(thrown)) return false;
    throw thrown;
  }
}

async function load(file: string): Promise<CachedFile> {
  // The time first, the content second: a change in between is noticed by the next look.
  const { mtime, mtimeMs } = await stat(file);
  const body = await readFile(file);
  const validators = validatorsOf(body.length, mtime, mtimeMs);
  return {
    ...validators,
    body,
    file,
    mtimeMs,
    fields: fieldsOf(file, validators),
    checkedAt: performance.now(),
  };
}

function validatorsOf(size: number, mtime: Date, mtimeMs: number): Validators {
  return {
    etag: `W/"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}"`,
    lastModified: mtime.toUTCString(),
  };
}

function fieldsOf(file: string, validators: Validators): string[] {
  return [
    'content-type',
    contentTypeOf(basename(file)),
    'accept-ranges',
    'bytes',
    'etag',
    validators.etag,
    'last-modified',
    validators.lastModified,
    'x-content-type-options',
    'nosniff',
  ];
}

function sendCached(exchange: Exchange, cached: CachedFile): void {
  const { fields, method } = exchange.head;
  const selection = select(fields, method, cached.body.length, cached);
  if (selection.kind === 'whole') exchange.respond(200, cached.fields, cached.body);
  else if (selection.kind === 'part') {
    const { start, end } = selection;
    exchange.respond(
      206,
      [...cached.fields, 'content-range', `bytes ${start}-${end}/${cached.body.length}`],
      cached.body.subarray(start, end + 1),
    );
  } else answerNone(exchange, selection.status, cached.body.length, cached);
}

function answerNone(exchange: Exchange, status: 304 | 412 | 416, size: number, validators: Validators): void {
  // RFC 9110 §15.4.5: a 304 repeats the validators and nothing that describes the content.
  if (status === 304)
    exchange.respond(304, ['etag', validators.etag, 'last-modified', validators.lastModified], undefined);
  else if (status === 412) answerPlainly(exchange, 412, 'The file is not the one the request names.');
  else answerPlainly(exchange, 416, 'The file has no such part.', ['content-range', `bytes */${size}`]);
}

/** Sends a file that is too big for the cache; resolves when it is closed again. */
async function stream(exchange: Exchange, body: FileBody, path: string): Promise<void> {
  // O_NONBLOCK: should a pipe have taken the place of the file, opening it does not wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (body.isGone) return;
    if (!stats.isFile()) {
      answerNotFound(exchange);
      return;
    }
    const validators = validatorsOf(stats.size, stats.mtime, stats.mtimeMs);
    const { fields, method } = exchange.head;
    const selection = select(fields, method, stats.size, validators);
    if (selection.kind === 'none') {
      answerNone(exchange, selection.status, stats.size, validators);
      return;
    }
    const start = selection.kind === 'part' ? selection.start : 0;
    const end = selection.kind === 'part' ? selection.end + 1 : stats.size;
    const head = fieldsOf(path, validators);
    if (selection.kind === 'part') head.push('content-range', `bytes ${start}-${end - 1}/${stats.size}`);
    head.push('content-length', String(end - start));
    exchange.begin(selection.kind === 'part' ? 206 : 200, head);
    if (method === 'HEAD') exchange.end();
    else await body.send(file, start, end - start);
  } finally {
    await file.close();
  }
}

function answerNotFound(exchange: Exchange): void {
  answerPlainly(exchange, 404, 'There is nothing here.');
}

/** The file system failed in a way that says nothing about the file: too many open files, an I/O error. */
function answerFileError(exchange: Exchange): void {
  answerPlainly(exchange, 503, 'The file cannot be read at the moment.', ['retry-after', '5']);
}
