import type { BigIntStats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type ContextName, parseContextName, parseContextPath } from '../../bundle/context-name.js';
import type { KnownHosts } from '../../config/virtual-hosts.js';
import { messageOf, PorticoError } from '../../errors.js';
import type { Collaborators } from '../collaborators.js';
import type {
  Candidate,
  CandidateSource,
  DescriptorFile,
  MarkerFile,
  RefusedEntry,
  Scan,
} from './candidate.js';
import { type DescriptorPeek, peekDescriptor } from './descriptor-peek.js';
import { ARCHIVE_ENDINGS, type EntryRole, roleOf } from './file-name.js';
import { fileSignature, folderSignature, isVanished } from './folder-signature.js';
import { problemElsewhere, problemOf, problemOfLink, unreadable } from './unreadable.js';

/** What the scanner must know; a part of the deployer's own options. */
export interface ScannerOptions {
  /** The drop folder; absolute. */
  readonly appsFolder: string;
  /** Files of one exploded folder. */
  readonly maxEntries: number;
  readonly isArchiveComplete: Collaborators['isArchiveComplete'];
  readonly virtualHosts?: KnownHosts;
}

/**
 * Looks at the drop folder. Owned by the watcher, which runs one scan at a time. Reads no content, except of
 * descriptors and the ends of archives, and of these only when their signature has changed.
 */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #complete = new Memory<boolean>();
  readonly #peeks = new Memory<DescriptorPeek | { problem: string }>();
  #virtualHosts: KnownHosts;
  /** Descriptors that were read under other virtual hosts are read again. */
  #epoch = 0;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#virtualHosts = options.virtualHosts;
  }

  /** For scans to come. */
  useVirtualHosts(virtualHosts: KnownHosts): void {
    this.#virtualHosts = virtualHosts;
    this.#epoch++;
  }

  /** Never rejects: what cannot be listed is `unreadable`, what vanishes between listing and stat is left out. */
  async scan(): Promise<Scan> {
    const { appsFolder } = this.#options;
    let identity: string;
    let entries: Buffer[];
    try {
      identity = identityOf(await stat(appsFolder, { bigint: true }));
      entries = await readdir(appsFolder, { encoding: 'buffer' });
      // Another folder may have been mounted in between; then the listing belongs to neither.
      if (identityOf(await stat(appsFolder, { bigint: true })) !== identity) {
        return { kind: 'unreadable', reason: `${appsFolder} was replaced while it was listed` };
      }
    } catch (error) {
      return { kind: 'unreadable', reason: messageOf(error) };
    }
    const found = new Gathering();
    for (const entry of entries) await this.#look(entry, found);
    const candidates: Candidate[] = [];
    for (const [, parts] of [...found.parts].sort(byName)) {
      candidates.push(await this.#candidate(parts, found));
    }
    this.#complete.endRound();
    this.#peeks.endRound();
    return { kind: 'listed', identity, candidates, refused: found.refused.sort(byEntry) };
  }

  async #look(raw: Buffer, found: Gathering): Promise<void> {
    const entry = raw.toString('utf8');
    if (!Buffer.from(entry, 'utf8').equals(raw)) {
      found.refuse(entry, 'PORTICO_NAME_INVALID', 'its name is not UTF-8; rename it');
      return;
    }
    const path = join(this.#options.appsFolder, entry);
    let facts: BigIntStats;
    try {
      facts = await stat(path, { bigint: true });
    } catch (error) {
      // A link that leads nowhere is an application in trouble, not one that was removed.
      if (!isVanished(error) || (await isThere(path)))
        found.addBroken(entry, path, await problemOfLink(path, error));
      return;
    }
    const role = roleOf(entry, facts.isDirectory() ? 'folder' : facts.isFile() ? 'file' : 'other');
    const parts = found.partsOf(entry, role);
    if (parts === undefined) return;
    if (role.role === 'folder' || role.role === 'archive') {
      const source = await this.#source(path, facts);
      if (source !== undefined) parts.sources.push(source);
      return;
    }
    const { signature, newestMs } = fileSignature(facts);
    if (role.role === 'marker') parts.marker = { path, signature };
    else
      parts.descriptors.push({ path, signature, quietMs: quiet(newestMs), problem: undefined, content: '' });
  }

  async #candidate(parts: Parts, found: Gathering): Promise<Candidate> {
    const { marker } = parts;
    const { name } = parts.context;
    let { context } = parts;
    const sources = parts.sources.sort(
      (left, right) => rank(left) - rank(right) || byText(left.path, right.path),
    );
    const [first, ...others] = parts.descriptors.sort((left, right) => byText(left.path, right.path));
    for (const { path } of others)
      found.refuse(path, 'PORTICO_DESCRIPTOR_IGNORED', `${first?.path} is there too`);
    const { descriptor, peek } = first === undefined ? NO_DESCRIPTOR : await this.#read(first);
    // Kept as it is, whatever runs now: a slip in a descriptor is no removal.
    const slip = (problem: string): Candidate => ({
      name,
      context,
      sources: [unreadable('descriptor', first?.path ?? '', problem)],
      descriptor,
      marker,
    });
    if (peek !== undefined && peek.host !== '') context = { ...context, host: peek.host };
    if (peek?.context !== undefined) {
      const asked = parseContextPath(peek.context);
      if (!asked.ok) return slip(`${first?.path}: ${asked.reason}`);
      context = { ...context, contextPath: asked.contextPath };
    }
    if (peek?.hostProblem !== undefined) return slip(peek.hostProblem);
    if (first !== undefined && sources.length === 0 && peek?.bundle === undefined) {
      if (peek?.needsNoBundle) sources.push({ ...first, kind: 'descriptor', complete: true });
      else if (descriptor?.problem !== undefined)
        sources.push(unreadable('descriptor', first.path, descriptor.problem));
    }
    if (first !== undefined && peek?.bundle !== undefined) {
      sources.unshift(await this.#elsewhere(resolve(this.#options.appsFolder, peek.bundle), first.path));
    }
    return { name, context, sources, descriptor, marker };
  }

  async #read(
    file: DescriptorFile,
  ): Promise<{ descriptor: DescriptorFile; peek: DescriptorPeek | undefined }> {
    if (file.problem !== undefined) return { descriptor: file, peek: undefined };
    const peek = await this.#peeks.get(file.path, `${this.#epoch}:${file.signature}`, async () => {
      try {
        return await peekDescriptor(file.path, this.#virtualHosts);
      } catch (error) {
        return { problem: error instanceof PorticoError ? messageOf(error) : problemOf(file.path, error) };
      }
    });
    if ('problem' in peek) return { descriptor: { ...file, problem: peek.problem }, peek: undefined };
    return { descriptor: { ...file, content: peek.hash, required: peek.required }, peek };
  }

  /** The bundle a descriptor points to. That it is not there is a problem, never a removal. */
  async #elsewhere(path: string, descriptor: string): Promise<CandidateSource> {
    try {
      const source = await this.#source(path, await stat(path, { bigint: true }));
      return source ?? unreadable('folder', path, `${path} went away while it was read; put it back`);
    } catch (error) {
      return unreadable('folder', path, problemElsewhere(path, descriptor, error));
    }
  }

  async #source(path: string, facts: BigIntStats): Promise<CandidateSource | undefined> {
    const kind = facts.isDirectory() ? 'folder' : 'archive';
    try {
      if (kind === 'folder') {
        const { signature, newestMs } = await folderSignature(path, this.#options.maxEntries);
        return { kind, path, signature, complete: true, quietMs: quiet(newestMs), problem: undefined };
      }
      if (!facts.isFile()) {
        return unreadable(kind, path, `${path} is neither a file nor a folder; put a bundle there`);
      }
      const { signature, newestMs } = fileSignature(facts);
      const complete = await this.#complete.get(path, signature, () => this.#options.isArchiveComplete(path));
      return { kind, path, signature, complete, quietMs: quiet(newestMs), problem: undefined };
    } catch (error) {
      if (isVanished(error)) return undefined;
      return unreadable(kind, path, problemOf(path, error));
    }
  }
}

/** What lies under one name, on its way to a candidate. */
interface Parts {
  readonly context: ContextName;
  readonly sources: CandidateSource[];
  readonly descriptors: DescriptorFile[];
  marker: MarkerFile | undefined;
}

const NO_DESCRIPTOR = { descriptor: undefined, peek: undefined };

/** Entries of one scan, put together by name. */
class Gathering {
  readonly parts = new Map<string, Parts>();
  readonly refused: RefusedEntry[] = [];

  /** Undefined when the entry is not for us, or refused. */
  partsOf(entry: string, role: EntryRole): Parts | undefined {
    if (role.role === 'none') return undefined;
    if (role.role === 'misfit') {
      this.refuse(entry, 'PORTICO_NAME_INVALID', role.reason);
      return undefined;
    }
    const named = parseContextName(role.name);
    if (!named.ok) {
      this.refuse(entry, 'PORTICO_NAME_INVALID', named.reason);
      return undefined;
    }
    let parts = this.parts.get(named.value.name);
    if (parts === undefined) {
      parts = { context: named.value, sources: [], descriptors: [], marker: undefined };
      this.parts.set(named.value.name, parts);
    }
    return parts;
  }

  addBroken(entry: string, path: string, problem: string): void {
    const byEnding = roleOf(entry, 'file');
    const role = byEnding.role === 'none' ? roleOf(entry, 'folder') : byEnding;
    const parts = this.partsOf(entry, role);
    if (role.role === 'folder' || role.role === 'archive') {
      parts?.sources.push(unreadable(role.role, path, problem));
    } else if (role.role === 'descriptor') {
      parts?.descriptors.push({ path, signature: '', quietMs: 0, problem, content: '' });
    }
  }

  refuse(entry: string, code: string, reason: string): void {
    this.refused.push({ entry, code, reason });
  }
}

/** Remembers a costly answer per path for as long as the signature stays; forgets paths not asked for in a round. */
class Memory<Value> {
  #last = new Map<string, { signature: string; value: Value }>();
  #now = new Map<string, { signature: string; value: Value }>();

  async get(path: string, signature: string, find: () => Promise<Value>): Promise<Value> {
    const known = this.#last.get(path);
    const value = known?.signature === signature ? known.value : await find();
    this.#now.set(path, { signature, value });
    return value;
  }

  endRound(): void {
    this.#last = this.#now;
    this.#now = new Map();
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    // Gone since it was listed.
    return false;
  }
}

function identityOf(facts: BigIntStats): string {
  return `${facts.dev}:${facts.ino}`;
}

/** Archives before folders: the archive is the truth. */
function rank(source: CandidateSource): number {
  if (source.kind === 'folder') return ARCHIVE_ENDINGS.length;
  return ARCHIVE_ENDINGS.findIndex((ending) => source.path.toLowerCase().endsWith(ending));
}

function quiet(newestMs: number): number {
  return Math.max(0, Date.now() - newestMs);
}

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function byName(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return byText(left[0], right[0]);
}

function byEntry(left: RefusedEntry, right: RefusedEntry): number {
  return byText(left.entry, right.entry);
}
