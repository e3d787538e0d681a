import type { ApplicationCall } from '../../application/application-call.js';
import { checkFunction } from '../../errors.js';
import type { CacheControl } from '../../http/cache-control.js';
import type { EntityTag } from '../../http/entity-tag.js';
import { invalidOption } from '../../plugin/check-option.js';
import type { StaticFile } from './static-source.js';

/** Codings of files that were compressed beforehand. */
export type PreCompression = 'br' | 'gzip' | 'zstd';

const CODINGS: ReadonlySet<unknown> = new Set<PreCompression>(['br', 'gzip', 'zstd']);
const TAGS: ReadonlySet<unknown> = new Set(['strong', 'weak', 'none']);

/** How static files are served. Paths have no `/` in front. */
export class StaticContentConfig {
  /** Served for a folder; undefined for none. Default `index.html`. Folders are never listed. */
  index: string | undefined = 'index.html';
  /** File that is served, with 200, for paths at which nothing lies. Default none. */
  default: string | undefined;
  /** Tried in order for paths at which nothing lies: `['html']` finds `about.html` for `/about`. Default none. */
  extensions: readonly string[] = [];
  /** Answers HEAD like GET, without the body. Default false: HEAD is 404, unless `AutoHeadResponse` is installed. */
  enableAutoHeadResponse = false;
  /**
   * Entity tags: `strong` is the SHA-256 of the bytes (files above `maxHashedBytes` get a weak one), `weak` is made of
   * length and time, `none`, or a function. They count for conditions with the plugin `ConditionalHeaders`. Default
   * `strong`.
   */
  etag: 'strong' | 'weak' | 'none' | ((file: StaticFile) => EntityTag | undefined) = 'strong';
  /** Larger files are not read for their entity tag. Default 16 MiB. */
  maxHashedBytes: number = 16 * 1024 * 1024;
  /** Sends `Last-Modified`. Default true. */
  lastModified = true;
  /** Content type of a file; undefined for that of its extension. */
  contentType: (file: StaticFile) => string | undefined = () => undefined;
  /** How long a file may be kept. Default: nothing is said. */
  cacheControl: (file: StaticFile) => readonly CacheControl[] = () => [];
  readonly #exclusions: ((path: string) => boolean)[] = [];
  readonly #modifications: ((file: StaticFile, call: ApplicationCall) => void)[] = [];
  #preCompressed: readonly PreCompression[] = [];
  #fallback: ((call: ApplicationCall, path: string) => unknown) | undefined;

  /** Paths that are picked here are 403, whether there is such a file or not. Several: any of them. */
  exclude(exclusion: (path: string) => boolean): void {
    this.#exclusions.push(exclusion);
  }

  /** Called before a file is sent, to set headers. */
  modify(modification: (file: StaticFile, call: ApplicationCall) => void): void {
    this.#modifications.push(modification);
  }

  /**
   * Serves `site.css.br`, `.gz` or `.zst` instead of `site.css` to clients that take it; of several the smallest. The
   * file without extension must be there as well.
   */
  preCompressed(...codings: readonly PreCompression[]): void {
    for (const coding of codings)
      if (!CODINGS.has(coding))
        throw invalidOption('Static content: a coding', coding, `Use ${[...CODINGS].join(', ')}.`);
    this.#preCompressed = codings;
  }

  /** Answers paths at which nothing lies, not even a default. May leave them unanswered: 404. */
  fallback(fallback: (call: ApplicationCall, path: string) => unknown): void {
    this.#fallback = fallback;
  }

  /** Is this path excluded? */
  excludes(path: string): boolean {
    return this.#exclusions.some((exclusion) => exclusion(path));
  }

  get modifications(): readonly ((file: StaticFile, call: ApplicationCall) => void)[] {
    return this.#modifications;
  }

  get preCompressions(): readonly PreCompression[] {
    return this.#preCompressed;
  }

  get fallbackOrNull(): ((call: ApplicationCall, path: string) => unknown) | undefined {
    return this.#fallback;
  }
}

/** Throws `PORTICO_PLUGIN_OPTION`, `PORTICO_NOT_A_FUNCTION` for what means nothing. */
export function checkStatic({ etag, contentType, cacheControl }: StaticContentConfig): void {
  if (!TAGS.has(etag) && typeof etag !== 'function')
    throw invalidOption('Static content: etag', etag, `Use ${[...TAGS].join(', ')} or a function.`);
  checkFunction(contentType, () => 'contentType of static content');
  checkFunction(cacheControl, () => 'cacheControl of static content');
}
