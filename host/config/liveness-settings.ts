import { readRequestPath } from './health-settings.js';
import { duration, integer, leaf, section } from './setting-types.js';

/** How it is found out that a program without an agent (`command`) does not answer any more. */
export interface LivenessSettings {
  /** Path and query within the application that is asked for. Undefined: that of `health`; without one, a connection is enough. */
  readonly path: string | undefined;
  /** Between two questions. 0: none is asked. Default 10s. */
  readonly intervalMs: number;
  /** For one answer. Default 5s. */
  readonly timeoutMs: number;
  /** So many questions in a row without an answer, and the process is replaced. Default 3. */
  readonly failures: number;
}

export const DEFAULT_LIVENESS: LivenessSettings = {
  path: undefined,
  intervalMs: 10_000,
  timeoutMs: 5000,
  failures: 3,
};

/** `liveness:` of an application. */
export const livenessSchema = section({
  path: leaf(readRequestPath).optional(),
  interval: duration({ min: 0 }).optional(),
  timeout: duration({ min: 10 }).optional(),
  failures: integer(1, 1000).optional(),
});

/** Each key of the section replaces the base. */
export function applyLiveness(
  base: LivenessSettings | undefined,
  given: ReturnType<typeof livenessSchema.parse> | undefined,
): LivenessSettings {
  const before = base ?? DEFAULT_LIVENESS;
  return {
    path: given?.path ?? before.path,
    intervalMs: given?.interval ?? before.intervalMs,
    timeoutMs: given?.timeout ?? before.timeoutMs,
    failures: given?.failures ?? before.failures,
  };
}
