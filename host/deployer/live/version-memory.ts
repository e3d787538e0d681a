import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';
import type { DeployerLog } from '../collaborators.js';

const FILE = 'versions.json';
/** Characters of a pin: 128 bits. */
const PIN_LENGTH = 22;

const schema = z.strictObject({
  format: z.literal(1),
  pinKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  decisions: z.array(z.tuple([z.string(), z.string(), z.enum(['promoted', 'aborted', 'returned'])])),
});

/** How a canary ended. */
export type CanaryDecision = 'promoted' | 'aborted';
/** What became of a version that came beside an older one; `returned`: it failed on probation, and the older serves again. */
export type VersionDecision = CanaryDecision | 'returned';

/**
 * What must outlive the server for versions side by side: the key that pins are made with, so that a cookie of before
 * still names its version, and how canaries and probations ended, so that none begins anew. One small file in the work folder, read when
 * it is first needed. Losing it does little harm: pins are void, and what failed is tried again. Owned by the deployer.
 */
export class VersionMemory {
  readonly #folder: string;
  readonly #log: DeployerLog;
  #content: Content | undefined;

  constructor(workFolder: string, log: DeployerLog) {
    this.#folder = workFolder;
    this.#log = log;
  }

  /** Cookie value for a version of a context. Another context or name gives another; nobody can guess it. */
  pinOf(context: string, name: string): string {
    const text = JSON.stringify([context, name]);
    return createHmac('sha256', this.#keyOnDisk()).update(text).digest('base64url').slice(0, PIN_LENGTH);
  }

  /** What became of this content of a version; undefined when nothing was decided. */
  decisionOf(name: string, key: string): VersionDecision | undefined {
    const [decided, decision] = this.#read().decisions.get(name) ?? [];
    return decided === key ? decision : undefined;
  }

  /** Why this content is not to be tried again by itself; undefined: it may. */
  whyNot(name: string, key: string): string | undefined {
    const decision = this.decisionOf(name, key);
    if (decision === 'aborted') return 'its canary was aborted';
    return decision === 'returned' ? 'it failed on probation' : undefined;
  }

  /** It may be tried again. */
  pardon(name: string, key: string): void {
    if (this.whyNot(name, key) !== undefined) this.decide(name, key, undefined);
  }

  /** Remembers it; undefined forgets what was decided. Never throws: without a disk it holds until the restart. */
  decide(name: string, key: string, decision: VersionDecision | undefined): void {
    if (this.decisionOf(name, key) === decision) return;
    const { decisions } = this.#read();
    if (decision === undefined) decisions.delete(name);
    else decisions.set(name, [key, decision]);
    this.#save();
  }

  /** The name is gone. */
  forget(name: string): void {
    if (this.#read().decisions.delete(name)) this.#save();
  }

  #keyOnDisk(): Buffer {
    const content = this.#read();
    if (content.pinKey === undefined) {
      content.pinKey = randomBytes(32);
      this.#save();
    }
    return content.pinKey;
  }

  #read(): Content {
    this.#content ??= this.#readFile();
    return this.#content;
  }

  #readFile(): Content {
    const path = join(this.#folder, FILE);
    try {
      const { pinKey, decisions } = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
      return {
        pinKey: pinKey === undefined ? undefined : Buffer.from(pinKey, 'hex'),
        decisions: new Map(decisions.map(([name, key, decision]) => [name, [key, decision]])),
      };
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') {
        this.#log.warn(
          { code: 'PORTICO_JOURNAL_BROKEN', err: error },
          `${path} cannot be used (${messageOf(error)}); clients get new cookies, and what failed beside an older version is tried again`,
        );
      }
      return { pinKey: undefined, decisions: new Map() };
    }
  }

  #save(): void {
    const { pinKey, decisions } = this.#read();
    const list = [...decisions].map(([name, [key, decision]]) => [name, key, decision]);
    const text = JSON.stringify(
      { format: 1, pinKey: pinKey?.toString('hex'), decisions: list },
      undefined,
      2,
    );
    const path = join(this.#folder, FILE);
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(`${path}.draft`, text, { mode: 0o600 });
      renameSync(`${path}.draft`, path);
    } catch (error) {
      this.#log.error(
        { code: 'PORTICO_JOURNAL_UNWRITABLE', err: error },
        `${path} cannot be written (${messageOf(error)}); at a restart clients get new cookies, and what failed beside an older version is tried again`,
      );
    }
  }
}

/** What the file holds. */
interface Content {
  /** Undefined until a version first needs a pin. */
  pinKey: Buffer | undefined;
  /** Name → key of its content, and what became of that. */
  readonly decisions: Map<string, readonly [key: string, decision: VersionDecision]>;
}
