import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../../deployer/history/replace-file.js';
import { messageOf } from '../../errors.js';
import type { ServerLog } from '../../log/server-log.js';
import { systemCodeOf } from '../../system-error.js';

const closingSchema = z.strictObject({
  /** ISO 8601. */
  since: z.string(),
  retryAfterSeconds: z.number(),
  page: z.string().optional(),
});

/** How and since when something is closed. */
export type Closing = z.output<typeof closingSchema>;

const byName = z.array(z.tuple([z.string(), closingSchema]));
const fileSchema = z.strictObject({
  contexts: byName,
  virtualHosts: byName.default([]),
  host: closingSchema.optional(),
});

/** What operators have closed: a file that is replaced as a whole, so that a restart opens nothing. Owned by Maintenance. */
export class Closings {
  /** By context id. */
  readonly contexts: Map<string, Closing>;
  /** By name. */
  readonly virtualHosts: Map<string, Closing>;
  /** All of it. */
  host: Closing | undefined;
  readonly #file: string;

  /** Reads the file; one that cannot be used is told, and nothing is closed. */
  constructor(file: string, log: ServerLog) {
    this.#file = file;
    const { contexts, virtualHosts, host } = read(file, log);
    this.contexts = new Map(contexts);
    this.virtualHosts = new Map(virtualHosts);
    this.host = host;
  }

  /** Resolves when what is closed now is on disk. */
  async save(): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true });
    const { host } = this;
    const content = { contexts: [...this.contexts], virtualHosts: [...this.virtualHosts], host };
    await replaceFile(this.#file, JSON.stringify(content));
  }
}

function read(file: string, log: ServerLog): z.output<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT')
      log.error(
        { code: 'PORTICO_MAINTENANCE_FILE', err: error },
        `${file} cannot be used (${messageOf(error)}); nothing that was closed by an operator is closed for maintenance`,
      );
    return { contexts: [], virtualHosts: [], host: undefined };
  }
}
