import { createHash } from 'node:crypto';
import type { StaticResource } from './static-source.js';

/** More tags than these are not remembered. */
const MAX_TAGS = 10_000;

/** Entity tags made of the bytes of files; each file is read once for each version of it. Owned by one installation. */
export class StrongTags {
  readonly #tags = new Map<string, Promise<string>>();

  /** Without quotes. */
  of(resource: StaticResource): Promise<string> {
    const key = `${resource.path} ${resource.version}`;
    const known = this.#tags.get(key);
    if (known !== undefined) return known;
    const tag = hash(resource);
    this.#tags.set(key, tag);
    tag.catch(() => this.#tags.delete(key));
    const [oldest] = this.#tags.keys();
    if (this.#tags.size > MAX_TAGS && oldest !== undefined) this.#tags.delete(oldest);
    return tag;
  }
}

async function hash(resource: StaticResource): Promise<string> {
  const sum = createHash('sha256');
  for await (const chunk of resource.read(0, resource.length - 1)) sum.update(chunk);
  return sum.digest('base64url');
}
