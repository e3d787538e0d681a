import type { ApplicationCall } from '../../application/application-call.js';
import { BadRequestError } from '../../application/http-errors.js';
import { StreamContent } from '../../application/outgoing-content.js';
import { mergeCacheControl, renderCacheControl } from '../../http/cache-control.js';
import { renderEntityTag } from '../../http/entity-tag.js';
import { contentTypeOf } from '../../http/file-content-type.js';
import { parseHeaderValues } from '../../http/header-value.js';
import { httpDate } from '../../http/http-date.js';
import { arePublicNames } from '../../http/public-path.js';
import type { PreCompression, StaticContentConfig } from './static-config.js';
import type { StaticResource, StaticSource } from './static-source.js';
import { StrongTags } from './strong-tags.js';

/** What was found for a path. */
type Found = StaticResource | 'excluded' | undefined;

/** Answers calls with the files of one source. Shared by all calls; lives as long as the application. */
export class StaticResponder {
  readonly #source: StaticSource;
  readonly #config: StaticContentConfig;
  readonly #tags = new StrongTags();

  constructor(source: StaticSource, config: StaticContentConfig) {
    this.#source = source;
    this.#config = config;
  }

  /** Answers with what lies at `names`, decoded segments of the path; leaves the call unanswered when nothing does. */
  async answer(call: ApplicationCall, names: readonly string[]): Promise<unknown> {
    // Before the names are looked at as files: such a path is no mistake of a person.
    if (names.includes('..')) throw new BadRequestError('The path leads out of the static content.');
    const found = arePublicNames(names) ? await this.#find(names) : undefined;
    if (found === 'excluded') return call.respondStatus(403);
    if (found !== undefined) return this.#send(call, found);
    const page = await this.#file(this.#config.default?.split('/'));
    if (page !== undefined) return this.#send(call, page);
    return this.#config.fallbackOrNull?.(call, names.join('/'));
  }

  async #find(names: readonly string[]): Promise<Found> {
    const isFolderPath = names.at(-1) === '';
    const own = isFolderPath ? names.slice(0, -1) : names;
    const at = own.length === 0 ? 'folder' : await this.#source.find(own);
    const { index, extensions } = this.#config;
    if (at === 'folder') {
      const page = await this.#file(index === undefined ? undefined : [...own, index]);
      return page !== undefined && this.#config.excludes(page.path) ? 'excluded' : page;
    }
    if (this.#config.excludes(own.join('/'))) return 'excluded';
    if (isFolderPath) return undefined;
    if (at !== undefined) return at;
    for (const extension of extensions) {
      const file = await this.#file([...own.slice(0, -1), `${own.at(-1)}.${extension}`]);
      if (file !== undefined) return this.#config.excludes(file.path) ? 'excluded' : file;
    }
    return undefined;
  }

  async #file(names: readonly string[] | undefined): Promise<StaticResource | undefined> {
    const found = names === undefined ? undefined : await this.#source.find(names);
    return found === 'folder' ? undefined : found;
  }

  async #send(call: ApplicationCall, file: StaticResource): Promise<void> {
    const { contentType, cacheControl, modifications, preCompressions, lastModified } = this.#config;
    for (const modify of modifications) modify(file, call);
    const smaller = await this.#preCompressed(call, file);
    const sent = smaller?.resource ?? file;
    const headers: string[] = ['X-Content-Type-Options', 'nosniff'];
    const tag = await this.#tagOf(sent);
    if (tag !== undefined) headers.push('ETag', tag);
    if (lastModified) headers.push('Last-Modified', httpDate(file.modifiedMs));
    const directives = mergeCacheControl(cacheControl(file));
    if (directives.length > 0) headers.push('Cache-Control', directives.map(renderCacheControl).join(', '));
    if (smaller !== undefined) headers.push('Content-Encoding', smaller.coding);
    // RFC 9110 §12.5.5: also without coding, as other clients would get another answer.
    if (preCompressions.length > 0) headers.push('Vary', 'Accept-Encoding');
    const slice = (first: number, last: number): AsyncIterable<Uint8Array> => sent.read(first, last);
    await call.respond(
      new StreamContent(slice(0, sent.length - 1), {
        contentType: contentType(file) ?? contentTypeOf(file.path),
        headers,
        length: sent.length,
        slice,
      }),
    );
  }

  async #preCompressed(
    call: ApplicationCall,
    file: StaticResource,
  ): Promise<{ readonly coding: PreCompression; readonly resource: StaticResource } | undefined> {
    const { preCompressions } = this.#config;
    if (preCompressions.length === 0) return undefined;
    const accepted = new Map(
      parseHeaderValues(call.request.headers.getAll('Accept-Encoding').join(',')).map(
        ({ value, quality }) => [value.toLowerCase(), quality],
      ),
    );
    const candidates = await Promise.all(
      preCompressions
        .filter((coding) => (accepted.get(coding) ?? accepted.get('*') ?? 0) > 0)
        .map(async (coding) => ({
          coding,
          resource: await this.#file(`${file.path}.${EXTENSIONS[coding]}`.split('/')),
        })),
    );
    const [smallest] = candidates
      .flatMap(({ coding, resource }) => (resource === undefined ? [] : [{ coding, resource }]))
      .sort((a, b) => a.resource.length - b.resource.length);
    return smallest;
  }

  async #tagOf(file: StaticResource): Promise<string | undefined> {
    const { etag, maxHashedBytes } = this.#config;
    if (etag === 'none') return undefined;
    if (typeof etag === 'function') {
      const tag = etag(file);
      return tag === undefined ? undefined : renderEntityTag(tag);
    }
    if (etag === 'strong' && file.length <= maxHashedBytes)
      return renderEntityTag({ value: await this.#tags.of(file), isWeak: false });
    const value = `${file.length.toString(16)}-${Math.floor(file.modifiedMs).toString(16)}`;
    return renderEntityTag({ value, isWeak: true });
  }
}

const EXTENSIONS: Readonly<Record<PreCompression, string>> = { br: 'br', gzip: 'gz', zstd: 'zst' };
