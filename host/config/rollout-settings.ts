import { z } from 'zod';
import { duration, integer, leaf, section, show, text } from './setting-types.js';

/** How a new content is watched after it has taken over, and what follows. */
export interface ProbationSettings {
  /** How long the old content is kept warm, its processes alive, to return to. 0: not at all. Default 30s. */
  readonly windowMs: number;
  /** Share of requests answered with 5xx or broken off, 0 to 1, beyond that of the old content. Default 0.5. */
  readonly maxErrorRate: number;
  /** With fewer requests in the window the error rate says nothing. Default 20. */
  readonly minRequests: number;
  /** More crashes of its instances than this. Default 2. */
  readonly maxCrashes: number;
}

export const DEFAULT_PROBATION: ProbationSettings = {
  windowMs: 30_000,
  maxErrorRate: 0.5,
  minRequests: 20,
  maxCrashes: 2,
};

/** A share of something: `0.05` or `5%`. */
export function share() {
  return leaf<number>((value, fail) => {
    const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(String(value))?.[1];
    const rate = percent === undefined ? Number(value) : Number(percent) / 100;
    const isRate =
      (typeof value === 'number' || typeof value === 'string') && value !== '' && rate >= 0 && rate <= 1;
    return isRate ? rate : fail(`${show(value)} is no share: from 0 to 1, or 0% to 100%`);
  });
}

/** `probation:` of an application. */
export const probationSchema = section({
  window: duration({ max: 24 * 60 * 60 * 1000 }).optional(),
  maxErrorRate: share().optional(),
  minRequests: integer(1, 1_000_000).optional(),
  maxCrashes: integer(0, 1000).optional(),
});

/** Each key of the section replaces the base. */
export function applyProbation(
  base: ProbationSettings,
  given: ReturnType<typeof probationSchema.parse> | undefined,
): ProbationSettings {
  return {
    windowMs: given?.window ?? base.windowMs,
    maxErrorRate: given?.maxErrorRate ?? base.maxErrorRate,
    minRequests: given?.minRequests ?? base.minRequests,
    maxCrashes: given?.maxCrashes ?? base.maxCrashes,
  };
}

/** Names of other applications, `shop`, or of one version of them, `shop##2`. */
export const dependenciesSchema = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : (value ?? undefined)),
  z.array(text(255)).max(100, 'at most 100 names').optional(),
);
