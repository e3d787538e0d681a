import { z } from 'zod';
import { duration, integer, leaf, section, show, word } from './setting-types.js';

/** How the number of processes of an application follows its load. */
export interface ScalingSettings {
  /** Never more; `instances` is the least. */
  readonly max: number;
  /** One more is started when the event loops are busier than this, on average; 0 to 1. Default 0.7. */
  readonly upAbove: number;
  /** One is stopped when they are less busy than this. Default 0.2. */
  readonly downBelow: number;
  /** One more is started when more requests than this are open for each process, and they are not idle. Default 100. */
  readonly queue: number;
  /** How long few must be enough before one is stopped, and the time between two stops. Default 60s. */
  readonly coolDownMs: number;
}

/** Limits of one process that are measured everywhere, and enforced where the system can. */
export interface ProcessLimits {
  /** Processors it may use on average over the window: 0.5 is half of one. 0: no limit. Default 0. */
  readonly maxCpuShare: number;
  /** Default 10s. */
  readonly cpuWindowMs: number;
  /** Open file descriptors. 0: no limit. Default 0. */
  readonly maxFiles: number;
  /** What follows, beside the event. Default `report`. */
  readonly exceeded: 'report' | 'restart';
}

export const DEFAULT_PROCESS_LIMITS: ProcessLimits = {
  maxCpuShare: 0,
  cpuWindowMs: 10_000,
  maxFiles: 0,
  exceeded: 'report',
};

/** `instances`, a number or a section. */
export const instancesSchema = z
  .preprocess(
    (value) => (typeof value === 'object' && value !== null ? value : { min: value ?? undefined }),
    section({
      min: integer(1, 64).optional(),
      max: integer(1, 64).optional(),
      upAbove: percent(100).optional(),
      downBelow: percent(100).optional(),
      queue: integer(1, 1_000_000).optional(),
      coolDown: duration({ min: 1000 }).optional(),
      sticky: word(['cookie', 'no']).optional(),
    }),
  )
  .superRefine(({ min = 1, max = min, upAbove = 0.7, downBelow = 0.2 }, context) => {
    const add = (key: string, message: string) => context.addIssue({ code: 'custom', message, path: [key] });
    if (max < min) add('max', `${max} is less than min, ${min}: make it at least as many`);
    if (downBelow >= upAbove) add('downBelow', 'is not below upAbove: the number would never rest');
  });

/** Keys of `limits` of an application that are measured. */
export const processLimitsShape = {
  cpu: percent(100_000).optional(),
  cpuWindow: duration({ min: 1000 }).optional(),
  files: integer(0, 10_000_000).optional(),
  exceeded: word(['report', 'restart']).optional(),
};

/** What `instances` is about. */
interface InstancesOf {
  readonly instances: number;
  readonly scaling?: ScalingSettings;
  readonly isSticky?: boolean;
}

/** What was written of `instances`. */
export type InstancesSection = z.output<typeof instancesSchema>;

/** Each key of the section replaces the base; a plain number leaves nothing to scale. */
export function applyInstances(base: InstancesOf, given: InstancesSection | undefined): InstancesOf {
  if (given === undefined)
    return {
      instances: base.instances,
      ...(base.scaling === undefined ? {} : { scaling: base.scaling }),
      ...(base.isSticky === true ? { isSticky: true } : {}),
    };
  const isNumber = Object.values(given).filter((value) => value !== undefined).length === 1 && given.min;
  const instances = given.min ?? base.instances;
  const before = isNumber ? undefined : base.scaling;
  const scaling: ScalingSettings = {
    max: Math.max(instances, given.max ?? before?.max ?? instances),
    upAbove: given.upAbove ?? before?.upAbove ?? 0.7,
    downBelow: given.downBelow ?? before?.downBelow ?? 0.2,
    queue: given.queue ?? before?.queue ?? 100,
    coolDownMs: given.coolDown ?? before?.coolDownMs ?? 60_000,
  };
  const isSticky = given.sticky === undefined ? base.isSticky === true : given.sticky === 'cookie';
  return {
    instances,
    ...(scaling.max > instances ? { scaling } : {}),
    ...(isSticky ? { isSticky } : {}),
  };
}

/** Each key of `limits` replaces the base. */
export function applyProcessLimits(
  base: ProcessLimits | undefined,
  given:
    | {
        readonly cpu?: number | undefined;
        readonly cpuWindow?: number | undefined;
        readonly files?: number | undefined;
        readonly exceeded?: ProcessLimits['exceeded'] | undefined;
      }
    | undefined,
): ProcessLimits {
  const before = base ?? DEFAULT_PROCESS_LIMITS;
  return {
    maxCpuShare: given?.cpu ?? before.maxCpuShare,
    cpuWindowMs: given?.cpuWindow ?? before.cpuWindowMs,
    maxFiles: given?.files ?? before.maxFiles,
    exceeded: given?.exceeded ?? before.exceeded,
  };
}

/** `50%` is 0.5. */
function percent(max: number) {
  return leaf((value, fail) => {
    const number = /^(\d{1,6}(?:\.\d+)?)%$/.exec(String(value))?.[1];
    const share = Number(number) / 100;
    return number !== undefined && share * 100 <= max
      ? share
      : fail(`${show(value)} is no share: write it in percent, up to ${max}%, as in 50%`);
  });
}
