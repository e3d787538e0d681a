import { join } from 'node:path';
import { z } from 'zod';
import type { DeployerLog } from '../collaborators.js';
import { WorkFile } from './work-file.js';

const FILE = 'deployer.json';

const journalSchema = z.strictObject({
  format: z.literal(1),
  held: z.array(z.string()),
  holders: z.array(z.tuple([z.string(), z.string()])),
  buried: z.array(z.tuple([z.string(), z.string()])),
  pins: z
    .array(
      z.tuple([
        z.string(),
        z.strictObject({
          fingerprint: z.string(),
          key: z.string(),
          descriptor: z.string().optional(),
          instead: z.string(),
          number: z.number(),
        }),
      ]),
    )
    .default([]),
});

/** Content that serves although the drop folder holds other content: after a rollback. */
export interface Pin {
  readonly fingerprint: string;
  /** Fingerprint and descriptor in one. */
  readonly key: string;
  /** Hash of the operator's descriptor it was deployed with, which is kept in the work folder. */
  readonly descriptor?: string | undefined;
  /** Key of the content of the drop folder that is not to serve. As soon as there is another, the pin is void. */
  readonly instead: string;
  /** Number of the deployment that was returned to. */
  readonly number: number;
}

/**
 * The few things that cannot be read from the drop folder: what an operator stopped, which of two bundles had a path
 * first, what could not be deleted, and what was rolled back. One file in the work folder, replaced as a whole. Losing it
 * does no harm beyond these; what is deployed always follows from the drop folder. Owned by the deployer.
 */
export class Journal {
  /** Names an operator has stopped. */
  readonly held: Set<string>;
  /** Place and version (`/shop##2`, `blog.example/##`) → name of the bundle that has it. */
  readonly holders: Map<string, string>;
  /** Name → signature of what a failed undeploy left over. */
  readonly buried: Map<string, string>;
  /** Name → what serves instead of what lies in the drop folder. */
  readonly pins: Map<string, Pin>;
  readonly #file: WorkFile;

  private constructor(path: string, log: DeployerLog, content: Partial<z.infer<typeof journalSchema>>) {
    this.held = new Set(content.held);
    this.holders = new Map(content.holders);
    this.buried = new Map(content.buried);
    this.pins = new Map(content.pins);
    this.#file = new WorkFile(path, log, 'what operators stop is forgotten at a restart', () => ({
      format: 1,
      held: [...this.held],
      holders: [...this.holders],
      buried: [...this.buried],
      pins: [...this.pins],
    }));
  }

  /** Reads the journal; a missing one is empty, a broken one is set aside with a message. */
  static async open(folder: string, log: DeployerLog): Promise<Journal> {
    const path = join(folder, FILE);
    const read = (data: unknown) => journalSchema.parse(data);
    const content = await WorkFile.read(path, log, 'stopped applications will be started', read);
    return new Journal(path, log, content ?? {});
  }

  /** Drops everything that is remembered of a name. */
  forget(name: string): void {
    this.held.delete(name);
    this.buried.delete(name);
    this.pins.delete(name);
    for (const [claim, holder] of this.holders) if (holder === name) this.holders.delete(claim);
  }

  /** Writes what has changed. Never rejects: a full disk must not stop a deployment; it is said once. */
  save(): Promise<void> {
    return this.#file.save();
  }
}
