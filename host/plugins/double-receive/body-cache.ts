import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { PorticoError } from '../../errors.js';

/**
 * The bytes of one body: the first ones in memory, all of them in a temporary file once they are many. The file is
 * removed as soon as it is open, so nothing is left of it whatever happens to the process. Owned by one call.
 */
export class BodyCache {
  readonly #maxMemoryBytes: number;
  readonly #chunks: Buffer[] = [];
  #file: FileHandle | undefined;
  #length = 0;

  constructor(maxMemoryBytes: number) {
    this.#maxMemoryBytes = maxMemoryBytes;
  }

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Takes all bytes of `source`. Gives an iterator of the rest as soon as there are more than `maxBytes`. */
  async fill(source: Readable, maxBytes: number): Promise<AsyncIterator<Buffer> | undefined> {
    const rest = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      await this.#add(next.value);
      if (this.#length > maxBytes) return rest;
    }
    return undefined;
  }

  /** What is held, from the begin. MAY be read several times, also at a time. */
  async *chunks(): AsyncGenerator<Buffer> {
    if (this.#file === undefined) {
      yield* this.#chunks;
      return;
    }
    for (let at = 0; at < this.#length; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, this.#length - at));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0)
        throw new PorticoError(
          'PORTICO_BODY_CACHE',
          `The temporary file of a body ends at ${at} of ${this.#length} bytes. Look at the disk of ${tmpdir()}.`,
        );
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** What is held, then the rest; this cache is done with then. */
  async *followedBy(rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
    try {
      yield* this.chunks();
      await this.dispose();
      for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
    } finally {
      await this.dispose();
      await rest.return?.();
    }
  }

  /** Lets everything go. Twice is harmless. */
  async dispose(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#chunks.length = 0;
    this.#length = 0;
    await file?.close();
  }

  async #add(chunk: Buffer): Promise<void> {
    this.#length += chunk.length;
    if (this.#file === undefined) {
      this.#chunks.push(chunk);
      if (this.#length <= this.#maxMemoryBytes) return;
      this.#file = await nameless();
      for (const one of this.#chunks.splice(0)) await this.#file.writeFile(one);
    } else await this.#file.writeFile(chunk);
  }
}

const READ_BYTES = 64 * 1024;

/** A file for this process only, which has no name any more. */
async function nameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `portico-body-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  return file;
}
