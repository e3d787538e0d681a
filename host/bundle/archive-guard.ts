import type { ArchiveLimits } from '../config/host-config.js';
import { PorticoError } from '../errors.js';
import { formatSize } from '../units.js';
import { quotedName } from './quoted-name.js';

/** The ratio rule holds beyond this many expanded bytes: small archives of repetitive text are no bombs. */
const RATIO_FREE_BYTES = 10 * 1024 ** 2;
const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 1024;

/** Code `PORTICO_ARCHIVE_REFUSED`; the message names the entry and the rule. */
export class ArchiveRefusedError extends PorticoError {
  /** As it stands in the archive, made printable; undefined when the archive as a whole is refused. */
  readonly entry: string | undefined;

  constructor(entry: string | undefined, rule: string, options?: { readonly cause?: unknown }) {
    const what = entry === undefined ? 'the archive' : `the entry ${quotedName(entry)} of the archive`;
    super('PORTICO_ARCHIVE_REFUSED', `${what} ${rule}`, options);
    this.name = 'ArchiveRefusedError';
    this.entry = entry === undefined ? undefined : quotedName(entry);
  }
}

/**
 * The rules one archive must keep while it is expanded, whatever its format. Keeps state: one guard for one archive.
 * Everything is counted on what really comes out, never on what a header promises.
 */
export class ArchiveGuard {
  readonly #limits: ArchiveLimits;
  readonly #archiveBytes: number;
  /** Every path seen, by its folded form. */
  readonly #seen = new Map<string, { readonly path: string; readonly isFolder: boolean }>();
  #totalBytes = 0;
  #fileBytes = 0;

  /** @param archiveBytes size of the archive file, for the ratio */
  constructor(limits: ArchiveLimits, archiveBytes: number) {
    this.#limits = limits;
    this.#archiveBytes = archiveBytes;
  }

  /** Files and folders so far, those only implied by a path included. */
  get entries(): number {
    return this.#seen.size;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** The path of an entry as segments that are safe to join to a folder; no segments for the root itself (`./`). */
  enter(name: string, isFolder: boolean): readonly string[] {
    const segments = this.#segmentsOf(name, isFolder);
    if (segments.length > this.#limits.maxDepth)
      throw new ArchiveRefusedError(name, `lies deeper than ${this.#limits.maxDepth} folders`);
    segments.forEach((_, index) => {
      const isLast = index === segments.length - 1;
      this.#claim(name, segments.slice(0, index + 1).join('/'), !isLast || isFolder, isLast && !isFolder);
    });
    this.#fileBytes = 0;
    return segments;
  }

  /** Counts bytes that came out for the current entry. */
  count(name: string, bytes: number): void {
    this.#fileBytes += bytes;
    this.#totalBytes += bytes;
    const { maxFileBytes, maxTotalBytes, maxRatio } = this.#limits;
    if (this.#fileBytes > maxFileBytes)
      throw new ArchiveRefusedError(name, `expands to more than ${formatSize(maxFileBytes)}`);
    if (this.#totalBytes > maxTotalBytes) {
      throw new ArchiveRefusedError(name, `takes the whole to more than ${formatSize(maxTotalBytes)}`);
    }
    if (this.#totalBytes > Math.max(RATIO_FREE_BYTES, this.#archiveBytes * maxRatio)) {
      throw new ArchiveRefusedError(
        name,
        `takes the whole to more than ${maxRatio} times the size of the archive`,
      );
    }
  }

  /** Refuses what a header already promises to be too much, before anything is written. */
  announce(name: string, bytes: number): void {
    if (bytes > this.#limits.maxFileBytes) {
      throw new ArchiveRefusedError(name, `is larger than ${formatSize(this.#limits.maxFileBytes)}`);
    }
    if (this.#totalBytes + bytes > this.#limits.maxTotalBytes) {
      throw new ArchiveRefusedError(
        name,
        `takes the whole to more than ${formatSize(this.#limits.maxTotalBytes)}`,
      );
    }
  }

  #segmentsOf(name: string, isFolder: boolean): string[] {
    const refuse = (rule: string) => new ArchiveRefusedError(name, rule);
    if (name === '') throw refuse('has no name');
    if (Buffer.byteLength(name) > MAX_PATH_BYTES)
      throw refuse(`has a path longer than ${MAX_PATH_BYTES} bytes`);
    if (/\p{Cc}/u.test(name)) throw refuse('has a NUL or control character in its name');
    if (/[\uFFFD\p{Cs}]/u.test(name)) throw refuse('has a name that is not valid UTF-8');
    if (name.includes('\\')) throw refuse('has a backslash in its name');
    if (name.startsWith('/')) throw refuse('has an absolute path');
    if (/^[A-Za-z]:/.test(name)) throw refuse('has a drive in its path');
    const bare = isFolder ? name.replace(/\/$/, '') : name;
    const segments = bare.split('/').filter((segment, index) => !(segment === '.' && index === 0));
    for (const segment of segments) {
      if (segment === '..') throw refuse('climbs out of the bundle with ..');
      if (segment === '.' || segment === '') throw refuse('has an empty or . segment in its path');
      if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)
        throw refuse(`has a name longer than ${MAX_SEGMENT_BYTES} bytes`);
    }
    if (segments.length === 0 && !isFolder) throw refuse('has no name');
    return segments;
  }

  #claim(name: string, path: string, isFolder: boolean, isNew: boolean): void {
    // Two names a file system may take for one: equal without letter case, or composed differently.
    const folded = path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
    const earlier = this.#seen.get(folded);
    if (earlier === undefined) {
      if (this.#seen.size >= this.#limits.maxEntries)
        throw new ArchiveRefusedError(name, `is one more than ${this.#limits.maxEntries} files and folders`);
      this.#seen.set(folded, { path, isFolder });
      return;
    }
    if (earlier.path !== path)
      throw new ArchiveRefusedError(
        name,
        `differs from ${quotedName(earlier.path)} only by letter case or Unicode form`,
      );
    if (earlier.isFolder !== isFolder) throw new ArchiveRefusedError(name, 'is a file and a folder at once');
    if (isNew) throw new ArchiveRefusedError(name, 'is there twice');
  }
}

/** One file or folder of an archive, in the order of the archive. `content` MUST be read before the next entry. */
export interface ArchiveEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly isExecutable: boolean;
  readonly announcedBytes: number;
  readonly content: AsyncIterable<Buffer>;
}
