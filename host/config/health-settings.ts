import { duration, integer, leaf, section, show } from './setting-types.js';

/** What an instance must answer before requests are sent to it: the health gate of a deployment. */
export interface HealthSettings {
  /** Path and query within the application, `/health`. Undefined: there is no gate; ready is enough. */
  readonly path: string | undefined;
  /** Statuses that are healthy, both bounds included. Default 200 to 399. */
  readonly status: { readonly from: number; readonly to: number };
  /** For one answer. Default 2s. */
  readonly timeoutMs: number;
  /** Further tries after the first one. Default 5. */
  readonly retries: number;
  /** Between two tries. Default 1s. */
  readonly intervalMs: number;
}

/** No gate. */
export const DEFAULT_HEALTH: HealthSettings = {
  path: undefined,
  status: { from: 200, to: 399 },
  timeoutMs: 2000,
  retries: 5,
  intervalMs: 1000,
};

/** Path and query of a request that the host makes itself; reads a leaf. */
export function readRequestPath(value: unknown, fail: (message: string) => undefined): string | undefined {
  if (typeof value !== 'string' || !/^\/[\x21\x22\x24-\x7e]*$/.test(value))
    return fail(`${show(value)} is no path: it begins with / and has no blanks, as in /health`);
  return value.length > 2048 ? fail('the path has more than 2048 characters') : value;
}

/** `health:` of an application. */
export const healthSchema = section({
  path: leaf(readRequestPath).optional(),
  status: leaf((value, fail) => {
    const [, from, to] = /^(\d{3})(?:-(\d{3}))?$/.exec(String(value)) ?? [];
    const bounds = { from: Number(from), to: Number(to ?? from) };
    const isRange = from !== undefined && bounds.from >= 200 && bounds.from <= bounds.to && bounds.to <= 599;
    return isRange ? bounds : fail(`${show(value)} is no status and no range of statuses: 200, 200-399`);
  }).optional(),
  timeout: duration({ min: 10 }).optional(),
  retries: integer(0, 1000).optional(),
  interval: duration({ min: 10 }).optional(),
});

/** Each key of the section replaces the base. */
export function applyHealth(
  base: HealthSettings,
  given: ReturnType<typeof healthSchema.parse> | undefined,
): HealthSettings {
  return {
    path: given?.path ?? base.path,
    status: given?.status ?? base.status,
    timeoutMs: given?.timeout ?? base.timeoutMs,
    retries: given?.retries ?? base.retries,
    intervalMs: given?.interval ?? base.intervalMs,
  };
}
