import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { DeployerLog } from '../collaborators.js';
import { WorkFile } from '../history/work-file.js';

const FILE = 'versions.json';
/** Characters of a pin: 128 bits. */
const PIN_LENGTH = 22;
/** What a lost file costs. */
const LOSS = 'clients get new cookies, and what failed beside an older version is tried again';

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
 * still names its version, and how canaries and probations ended, so that none begins anew. One small file in the work folder,
 * replaced as a whole. Losing it does little harm: pins are void, and what failed is tried again. Owned by the deployer.
 */
export class VersionMemory {
  readonly #file: WorkFile;
  /** Undefined until a version first needs a pin. */
  #pinKey: Buffer | undefined;
  /** Name → key of its content, and what became of that. */
  readonly #decisions: Map<string, readonly [key: string, decision: VersionDecision]>;
  #saved: Promise<void> = Promise.resolve();

  private constructor(path: string, log: DeployerLog, content: Partial<z.infer<typeof schema>>) {
    const { pinKey, decisions = [] } = content;
    this.#pinKey = pinKey === undefined ? undefined : Buffer.from(pinKey, 'hex');
    this.#decisions = new Map(decisions.map(([name, key, decision]) => [name, [key, decision]]));
    this.#file = new WorkFile(path, log, `at a restart ${LOSS}`, () => ({
      format: 1,
      pinKey: this.#pinKey?.toString('hex'),
      decisions: [...this.#decisions].map(([name, [key, decision]]) => [name, key, decision]),
    }));
  }

  /** Reads the file; a missing one is empty, a broken one is set aside with a message. */
  static async open(folder: string, log: DeployerLog): Promise<VersionMemory> {
    const path = join(folder, FILE);
    const content = await WorkFile.read(path, log, LOSS, (data) => schema.parse(data));
    return new VersionMemory(path, log, content ?? {});
  }

  /** Cookie value for a version of a context. Another context or name gives another; nobody can guess it. */
  pinOf(context: string, name: string): string {
    const text = JSON.stringify([context, name]);
    return createHmac('sha256', this.#key()).update(text).digest('base64url').slice(0, PIN_LENGTH);
  }

  /** What became of this content of a version; undefined when nothing was decided. */
  decisionOf(name: string, key: string): VersionDecision | undefined {
    const [decided, decision] = this.#decisions.get(name) ?? [];
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

  /** Remembers it; undefined forgets what was decided. Without a disk it holds until the restart. */
  decide(name: string, key: string, decision: VersionDecision | undefined): void {
    if (this.decisionOf(name, key) === decision) return;
    if (decision === undefined) this.#decisions.delete(name);
    else this.#decisions.set(name, [key, decision]);
    this.#save();
  }

  /** The name is gone. */
  forget(name: string): void {
    if (this.#decisions.delete(name)) this.#save();
  }

  /** Resolves when all that was decided until now is on disk, or could not be written; never rejects. */
  get saved(): Promise<void> {
    return this.#saved;
  }

  #key(): Buffer {
    if (this.#pinKey === undefined) {
      this.#pinKey = randomBytes(32);
      this.#save();
    }
    return this.#pinKey;
  }

  #save(): void {
    this.#saved = this.#file.save();
  }
}
