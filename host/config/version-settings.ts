import { z } from 'zod';
import { addressRanges } from './connector-forwarding.js';
import { longDuration } from './long-duration.js';
import { share } from './rollout-settings.js';
import { duration, integer, leaf, section, show, text } from './setting-types.js';

/** What becomes of a version when a newer one of the same context is there, and who may choose among live ones. */
export interface VersionSettings {
  /** A client counts as gone when no request of it came for so long. Default 30m. */
  readonly pinnedIdleMs: number;
  /** Beside a newer version it is live no longer than this, whoever still uses it. Default 24h. */
  readonly maxAgeMs: number;
  /**
   * Names of the cookies by which the application knows its clients. Who has one and no pin was there before the newer
   * version, and stays. Default: none, so everybody without a pin is new.
   */
  readonly sessionCookies: readonly string[];
  /** Undefined: nobody may ask for a version by header. */
  readonly preview: PreviewSettings | undefined;
}

/** Who may ask for a version by `Portico-Version`; at least one of the two is there. */
export interface PreviewSettings {
  /** Comes in `Portico-Preview-Secret`. */
  readonly secret: string | undefined;
  /** Clients from these addresses need no secret. */
  readonly addresses: readonly string[];
}

/** How a version comes into use step by step, beside the one it is to replace. */
export interface CanarySettings {
  /** Percent of the new clients, rising; behind the last step come all of them. Default 5%, 25%, 50%. */
  readonly steps: readonly number[];
  /** Length of a step. Default 5m. */
  readonly intervalMs: number;
  /** Share of errors, 0 to 1, above that of the version it is to replace; beyond it the canary ends. Default 5%. */
  readonly maxErrorRate: number;
  /** With fewer requests in a step it is not judged, and the step does not end. Default 20. */
  readonly minRequests: number;
}

/** A version that gets copies of requests, and never a client. */
export interface ShadowSettings {
  /** The version whose requests are copied; `''`: the one without a number. */
  readonly of: string;
  /** Of its safe requests. Default 100. */
  readonly percent: number;
}

/** Theme `versions` of the settings of one application. */
export interface VersionThemes {
  readonly versions: VersionSettings;
  readonly canary: CanarySettings | undefined;
  readonly shadow: ShadowSettings | undefined;
}

/** Also what holds where nothing was read, as in tests. */
export const DEFAULT_VERSION_SETTINGS: VersionSettings = {
  pinnedIdleMs: 30 * 60_000,
  maxAgeMs: 24 * 3_600_000,
  sessionCookies: [],
  preview: undefined,
};

const DEFAULT_CANARY: CanarySettings = {
  steps: [5, 25, 50],
  intervalMs: 5 * 60_000,
  maxErrorRate: 0.05,
  minRequests: 20,
};

/** Longest time between two steps; a canary that lasts longer is not watched by anybody. */
const MAX_INTERVAL_MS = 24 * 3_600_000;

/** Keys of an application that are about its versions. */
export const versionShape = {
  versions: section({
    pinnedIdle: duration({ min: 1000 }).optional(),
    maxAge: longDuration({ minMs: 1000, maxDays: 365 }).optional(),
    sessionCookies: z.array(text(256)).optional(),
    preview: section({
      secret: previewSecret().optional(),
      addresses: addressRanges().min(1, 'the list is empty: leave it out').optional(),
    })
      .refine(({ secret, addresses }) => secret !== undefined || addresses !== undefined, {
        message: 'has neither a secret nor addresses: nobody could use it',
      })
      .optional(),
  }).optional(),
  canary: section({
    steps: canarySteps().optional(),
    interval: duration({ min: 100, max: MAX_INTERVAL_MS }).optional(),
    maxErrorRate: share().optional(),
    minRequests: integer(1, 1_000_000).optional(),
  }).optional(),
  shadow: section({ of: shadowed(), percent: percent().optional() }).optional(),
};

const versionSchema = section(versionShape);
type VersionSection = z.output<typeof versionSchema>;

/** Settings where each key of the section replaces the base. A canary or shadow has no base: both are of one version. */
export function applyVersionSettings(base: Partial<VersionThemes>, given: VersionSection): VersionThemes {
  const before = base.versions ?? DEFAULT_VERSION_SETTINGS;
  const { versions, canary, shadow } = given;
  const canaryBase = base.canary ?? DEFAULT_CANARY;
  return {
    versions: {
      pinnedIdleMs: versions?.pinnedIdle ?? before.pinnedIdleMs,
      maxAgeMs: versions?.maxAge ?? before.maxAgeMs,
      sessionCookies: versions?.sessionCookies ?? before.sessionCookies,
      preview:
        versions?.preview === undefined
          ? before.preview
          : { secret: versions.preview.secret, addresses: versions.preview.addresses ?? [] },
    },
    canary:
      canary === undefined
        ? base.canary
        : {
            steps: canary.steps ?? canaryBase.steps,
            intervalMs: canary.interval ?? canaryBase.intervalMs,
            maxErrorRate: canary.maxErrorRate ?? canaryBase.maxErrorRate,
            minRequests: canary.minRequests ?? canaryBase.minRequests,
          },
    shadow: shadow === undefined ? base.shadow : { of: shadow.of, percent: shadow.percent ?? 100 },
  };
}

/** `5%`, `0.5%`: 0 to 100. A number without the sign could be meant otherwise. */
function percent() {
  return leaf<number>((value, fail) => {
    const [, digits] = typeof value === 'string' ? (/^(\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(value) ?? []) : [];
    const number = Number(digits);
    if (digits === undefined || number > 100)
      return fail(`${show(value)} is no percentage: write 5% or 0.5%, to 100%`);
    return number;
  });
}

function canarySteps() {
  return z
    .array(percent())
    .min(1, 'the list is empty: name at least one share')
    .max(20, 'the list has more than 20 steps')
    .refine((steps) => steps.every((step, index) => index === 0 || step > (steps[index - 1] ?? 0)), {
      message: 'the shares do not rise: write them as 5%, 25%, 50%',
    });
}

/** Guessing it must be out of the question. */
function previewSecret() {
  return leaf<string>((value, fail) => {
    if (typeof value !== 'string' || !/^[\x21-\x7e]{16,256}$/.test(value))
      return fail('the secret is not 16 to 256 letters, digits and signs without blanks');
    return value;
  });
}

function shadowed() {
  return leaf<string>((value, fail) => {
    const written = typeof value === 'number' ? String(value) : value;
    if (written === '' || (typeof written === 'string' && /^[A-Za-z0-9][A-Za-z0-9._~+-]*$/.test(written)))
      return written;
    return fail(`${show(value)} is no version: write what stands behind ## in the name of its bundle`);
  });
}
