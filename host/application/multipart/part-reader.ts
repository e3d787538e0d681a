import type { Readable } from 'node:stream';
import { BadRequestError, MultipartLimitError } from '../http-errors.js';
import { OCTET_STREAM } from '../outgoing-content.js';
import { FilePart } from './file-part.js';
import { FileStream } from './file-stream.js';
import type { MultipartOptions, Part } from './part.js';
import { type PartHead, readPartHead } from './part-head.js';

/** Place of a part in the order of the form; a field has its part when its last byte has come. */
interface Slot {
  part: Part | undefined;
}

/**
 * Reads a multipart body part by part. Made when the form is received; owns `source` from then on. It reads on only when
 * no part is ready that nobody has taken, so at most one chunk of the body is held, and one field.
 */
export class PartReader {
  readonly #source: Readable;
  readonly #limits: Required<MultipartOptions>;
  readonly #slots: Slot[] = [];
  readonly #files = new Set<FileStream>();
  #current: FileStream | undefined;
  #parts = 0;
  #isHeadDue = false;
  #isDone = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #taken: (() => void) | undefined;
  #interrupt: (() => void) | undefined;

  constructor(source: Readable, boundary: string, options: MultipartOptions) {
    this.#source = source;
    this.#limits = {
      maxParts: options.maxParts ?? 1000,
      maxFieldBytes: options.maxFieldBytes ?? 1024 * 1024,
      maxFileBytes: options.maxFileBytes ?? 50 * 1024 * 1024,
      maxHeaderPairs: options.maxHeaderPairs ?? 32,
    };
    this.#parse(boundary).catch((error: unknown) => this.#fail(error as Error));
  }

  /** The next part; undefined behind the last. What is left of the file before it is dropped. */
  async next(): Promise<Part | undefined> {
    await this.#finishCurrent();
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const part = this.#slots[0]?.part;
      if (part !== undefined) {
        this.#slots.shift();
        if (part.kind === 'file') this.#current = part.stream as FileStream;
        this.#taken?.();
        return part;
      }
      if (this.#isDone && this.#slots.length === 0) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The rest is not wanted. */
  cancel(): void {
    this.#fail(new BadRequestError('The rest of the form was not read.'));
  }

  async #parse(boundary: string): Promise<void> {
    const { Dicer } = await import('@fastify/busboy');
    // One more than allowed, so that it is seen when there are more.
    const dicer = new Dicer({ boundary, maxHeaderPairs: this.#limits.maxHeaderPairs + 1 });
    dicer.on('part', (part) => this.#take(part));
    dicer.on('error', (cause) => this.#fail(malformed('it ends too early', cause)));
    dicer.on('finish', () => this.#finish());
    for await (const chunk of this.#source as AsyncIterable<Buffer>) {
      // RFC 2046 §5.1.1: what follows the last boundary means nothing.
      if (this.#isDone) continue;
      await this.#until((done) => dicer.write(chunk, () => done()));
      while (this.#error === undefined && this.#slots.some(({ part }) => part !== undefined))
        await this.#until((done) => {
          this.#taken = done;
        });
    }
    if (!this.#isDone) dicer.end();
  }

  /** Waits for `done` to be called, or for the form to fail. */
  #until(start: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#interrupt = resolve;
      start(resolve);
      if (this.#error !== undefined) resolve();
    });
  }

  #take(part: Readable): void {
    if (this.#isHeadDue) this.#fail(malformed('a part has no head'));
    // What goes wrong in a part goes wrong in the form, which tells it.
    part.on('error', () => undefined);
    this.#isHeadDue = true;
    if (++this.#parts > this.#limits.maxParts)
      this.#fail(new MultipartLimitError(`more than ${this.#limits.maxParts} parts`));
    part.once('header', (fields: Readonly<Record<string, readonly string[]>>) => {
      this.#isHeadDue = false;
      if (this.#error === undefined) this.#begin(part, fields);
      if (this.#error !== undefined) part.resume();
    });
  }

  #begin(part: Readable, fields: Readonly<Record<string, readonly string[]>>): void {
    const { maxHeaderPairs } = this.#limits;
    if (Object.values(fields).flat().length > maxHeaderPairs) {
      this.#fail(new MultipartLimitError(`a part with more than ${maxHeaderPairs} header fields`));
      return;
    }
    const head = readPartHead(fields);
    if (typeof head === 'string') {
      this.#fail(malformed(head));
      return;
    }
    const slot: Slot = { part: undefined };
    this.#slots.push(slot);
    if (head.fileName === undefined) this.#readField(part, head, slot);
    else slot.part = this.#fileOf(part, head, head.fileName);
    this.#wakeReader();
  }

  #readField(part: Readable, { name, contentType, decode }: PartHead, slot: Slot): void {
    const { maxFieldBytes } = this.#limits;
    const chunks: Buffer[] = [];
    let length = 0;
    part.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxFieldBytes) chunks.push(chunk);
      else this.#fail(new MultipartLimitError(`a field of more than ${maxFieldBytes} bytes`));
    });
    part.on('end', () => {
      slot.part = { kind: 'field', name, value: decode(Buffer.concat(chunks)), contentType };
      this.#wakeReader();
    });
  }

  #fileOf(part: Readable, { name, contentType }: PartHead, fileName: string): FilePart {
    const { maxFileBytes } = this.#limits;
    const stream = new FileStream(part, (length) => {
      if (length <= maxFileBytes) return true;
      this.#fail(new MultipartLimitError(`a file of more than ${maxFileBytes} bytes`));
      return false;
    });
    this.#files.add(stream);
    stream.once('close', () => this.#files.delete(stream));
    return new FilePart(name, fileName, contentType ?? OCTET_STREAM, stream);
  }

  /** A file that is being read is waited for; one that nobody wants is dropped. */
  async #finishCurrent(): Promise<void> {
    const file = this.#current;
    this.#current = undefined;
    if (file === undefined || file.closed) return;
    if (file.isRead && !file.destroyed) await new Promise((resolve) => file.once('close', resolve));
    else file.destroy();
  }

  #finish(): void {
    if (this.#isHeadDue) this.#fail(malformed('a part has no head'));
    this.#isDone = true;
    this.#wakeReader();
  }

  #fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const file of this.#files) file.destroy(error);
    this.#source.destroy();
    this.#interrupt?.();
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function malformed(what: string, cause?: unknown): BadRequestError {
  return new BadRequestError(`The multipart body is malformed: ${what}.`, {
    cause,
    code: 'PORTICO_BAD_MULTIPART',
  });
}
