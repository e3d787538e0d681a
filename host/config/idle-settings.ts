import { duration, section } from './setting-types.js';

/** When an application that nobody uses is stopped. */
export interface IdleSettings {
  /** Without requests and tunnels for so long, its processes end; the next request starts them. 0: never. Default 0. */
  readonly stopAfterMs: number;
}

export const DEFAULT_IDLE: IdleSettings = { stopAfterMs: 0 };

/** What the fronts count is up to a second old, so anything shorter would stop what is in use. */
const SHORTEST_MS = 1000;

/** `idle:` of an application. */
export const idleSchema = section({
  stopAfter: duration()
    .refine((ms) => ms === 0 || ms >= SHORTEST_MS, 'is out of bounds: 0s, which is never, or at least 1s')
    .optional(),
});

/** Each key of the section replaces the base. */
export function applyIdle(
  base: IdleSettings = DEFAULT_IDLE,
  given: ReturnType<typeof idleSchema.parse> | undefined,
): IdleSettings {
  return { stopAfterMs: given?.stopAfter ?? base.stopAfterMs };
}
