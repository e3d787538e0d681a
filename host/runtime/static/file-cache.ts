import type { Validators } from './conditions.js';

/** A small file in memory. */
export interface CachedFile extends Validators {
  readonly body: Buffer;
  /** Fields of a 200 response. */
  readonly fields: readonly string[];
  /** Real path of the file, for the next look at it. */
  readonly file: string;
  readonly mtimeMs: number;
  /** When the file was last seen unchanged; milliseconds of a monotonic clock. */
  checkedAt: number;
}

/**
 * Small files of one site, by path within the context. Bounded; what was put in first goes first. An entry is good for
 * `FRESH_MS`, then the caller looks at the file again.
 */
export class FileCache {
  static readonly MAX_FILE_BYTES = 256 * 1024;
  static readonly FRESH_MS = 1000;
  readonly #entries = new Map<string, CachedFile>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(within: string): CachedFile | undefined {
    return this.#entries.get(within);
  }

  put(within: string, file: CachedFile): void {
    this.delete(within);
    this.#entries.set(within, file);
    this.#bytes += weightOf(within, file);
    for (const [key] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(key);
    }
  }

  delete(within: string): void {
    const entry = this.#entries.get(within);
    if (entry === undefined) return;
    this.#entries.delete(within);
    this.#bytes -= weightOf(within, entry);
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }
}

/** Body, key, and about what the entry itself costs. */
function weightOf(within: string, file: CachedFile): number {
  return file.body.length + within.length + 512;
}
