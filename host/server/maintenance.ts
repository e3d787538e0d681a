import { readFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import type { MaintenanceOrder, MaintenanceState, MaintenanceView } from '../admin/admin-collaborators.js';
import { replaceFile } from '../deployer/history/replace-file.js';
import { messageOf, PorticoError } from '../errors.js';
import type { DrainReport } from '../front/drains/drain-report.js';
import type { ContextRoute, DeploymentCounts } from '../front/messages.js';
import type { RouteTable } from '../front/route-table.js';
import type { ServerLog } from '../log/server-log.js';
import type { Closure } from '../runtime/closed-runtime.js';
import { systemCodeOf } from '../system-error.js';

/** Every front holds the page, once for each context that is closed. */
const MAX_PAGE_BYTES = 64 * 1024;
const DEFAULT_RETRY_AFTER_SECONDS = 300;
const FILE = 'maintenance.json';

const fileSchema = z.array(
  z.tuple([
    z.string(),
    z.strictObject({ since: z.string(), retryAfterSeconds: z.number(), page: z.string().optional() }),
  ]),
);
type Entry = z.infer<typeof fileSchema>[number][1];

/**
 * Which contexts an operator has closed for maintenance, and with which page: stands between the deployer and the fronts,
 * and marks the routes of those contexts. What they name goes on running. Kept in a file of the work folder, so that
 * a restart opens nothing. Owned by the server.
 */
export class Maintenance implements RouteTable, MaintenanceView {
  readonly #fronts: RouteTable;
  readonly #file: string;
  readonly #folder: string;
  readonly #log: ServerLog;
  /** As the deployer has published them. */
  readonly #routes = new Map<string, ContextRoute>();
  /** By context. */
  readonly #closed: Map<string, Entry>;

  constructor(fronts: RouteTable, folder: string, log: ServerLog) {
    this.#fronts = fronts;
    this.#folder = folder;
    this.#file = join(folder, FILE);
    this.#log = log;
    this.#closed = new Map(this.#read());
  }

  list(): readonly MaintenanceState[] {
    return [...this.#closed].map(([context, { since, retryAfterSeconds, page }]) => ({
      path: context === '' ? '/' : context,
      since,
      retryAfterSeconds,
      hasPage: page !== undefined,
    }));
  }

  /** See `MaintenanceView`. */
  async begin(path: string, order: MaintenanceOrder): Promise<void> {
    const page = order.file === undefined ? undefined : await readPage(order.file);
    const context = this.#contextOf(path);
    const since = this.#closed.get(context)?.since ?? new Date().toISOString();
    const retryAfterSeconds = order.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
    this.#closed.set(context, { since, retryAfterSeconds, ...(page === undefined ? {} : { page }) });
    await this.#changed(context, 'maintenance-begun');
  }

  async end(path: string): Promise<void> {
    const context = this.#contextOf(path);
    if (this.#closed.delete(context)) await this.#changed(context, 'maintenance-ended');
  }

  async publish(set: readonly ContextRoute[], remove: readonly string[]): Promise<void> {
    for (const context of remove) this.#routes.delete(context);
    for (const route of set) this.#routes.set(route.context, route);
    await this.#fronts.publish(
      set.map((route) => this.#marked(route)),
      remove,
    );
  }

  whenIdle(deployment: string, deadlineMs: number): Promise<boolean> {
    return this.#fronts.whenIdle(deployment, deadlineMs);
  }

  countsOf(deployment: string): DeploymentCounts {
    const none = { deployment, requests: 0, errors: 0, inFlight: 0, tunnels: 0 };
    return this.#fronts.countsOf?.(deployment) ?? none;
  }

  drainOf(deployment: string): Promise<DrainReport | undefined> {
    return this.#fronts.drainOf?.(deployment) ?? Promise.resolve(undefined);
  }

  onInstanceLost(listener: (instance: string, reason: string) => void): void {
    this.#fronts.onInstanceLost(listener);
  }

  onWanted(listener: (context: string) => void): void {
    this.#fronts.onWanted(listener);
  }

  /** The identity of a context has no host in it when that is the default one. */
  #contextOf(path: string): string {
    const known = path === '/' ? '' : path;
    if (path.startsWith('/') || this.#routes.has(known)) return known;
    const slash = path.indexOf('/');
    return slash < 0 ? '' : path.slice(slash);
  }

  #marked(route: ContextRoute): ContextRoute {
    const entry = this.#closed.get(route.context);
    if (entry === undefined) return route;
    const { page, retryAfterSeconds } = entry;
    const reason = 'This application is being maintained.';
    const closed: Closure = { reason, retryAfterSeconds, ...(page === undefined ? {} : { page }) };
    return { ...route, closed };
  }

  async #changed(context: string, event: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await replaceFile(this.#file, JSON.stringify([...this.#closed]));
    const route = this.#routes.get(context);
    if (route !== undefined) await this.#fronts.publish([this.#marked(route)], []);
    const application = route?.application ?? '';
    const path = context === '' ? '/' : context;
    this.#log.warn(
      { event, application, path },
      `${path} is ${event === 'maintenance-begun' ? 'closed for maintenance' : 'open again'}`,
    );
  }

  #read(): z.infer<typeof fileSchema> {
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT')
        this.#log.error(
          { code: 'PORTICO_MAINTENANCE_FILE', err: error },
          `${this.#file} cannot be used (${messageOf(error)}); no application is closed for maintenance`,
        );
      return [];
    }
  }
}

/** Throws `PORTICO_MAINTENANCE_PAGE`. */
async function readPage(path: string): Promise<string> {
  try {
    if (!isAbsolute(path)) throw new Error('the path is not absolute');
    const file = await open(path, 'r');
    try {
      if (!(await file.stat()).isFile()) throw new Error('it is no file');
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(MAX_PAGE_BYTES + 1),
        0,
        MAX_PAGE_BYTES + 1,
        0,
      );
      if (bytesRead > MAX_PAGE_BYTES) throw new Error(`it has more than ${MAX_PAGE_BYTES} bytes`);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_MAINTENANCE_PAGE',
      `The page ${path} cannot be used: ${messageOf(cause)}. Name an HTML file of at most 64KiB that the server can read.`,
      { cause },
    );
  }
}
