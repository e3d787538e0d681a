import type { z } from 'zod';
import { callsSchema } from './call-settings.js';
import { applyHealth, DEFAULT_HEALTH, healthSchema } from './health-settings.js';
import type { ApplicationSettings } from './host-config.js';
import { applyIdle, DEFAULT_IDLE, idleSchema } from './idle-settings.js';
import {
  applyInstances,
  applyProcessLimits,
  instancesSchema,
  processLimitsShape,
} from './instance-settings.js';
import { applyIsolation, DEFAULT_ISOLATION, isolationShape, secretFile } from './isolation-settings.js';
import { applyLiveness, livenessSchema } from './liveness-settings.js';
import { applyQueueSettings, queueSchema, trafficShape } from './queue-settings.js';
import { STRICT_REQUESTS } from './request-settings.js';
import {
  applyProbation,
  DEFAULT_PROBATION,
  dependenciesSchema,
  probationSchema,
} from './rollout-settings.js';
import { applySchedule, scheduleSchema } from './schedule-settings.js';
import { duration, environment, flag, integer, section, size, text, word } from './setting-types.js';
import { applyVersionSettings, DEFAULT_VERSION_SETTINGS, versionShape } from './version-settings.js';

const MIB = 1024 ** 2;

/** What every application gets when nobody says otherwise. */
export const DEFAULT_APPLICATION_SETTINGS: ApplicationSettings = {
  startWhen: 'eager',
  startTimeoutMs: 30_000,
  stopTimeoutMs: 10_000,
  drainTimeoutMs: 30_000,
  responseTimeoutMs: 60_000,
  prefix: 'strip',
  instances: 1,
  maxHeapBytes: 256 * MIB,
  maxMemoryBytes: 1024 * MIB,
  maxBodyBytes: 10 * MIB,
  hangTimeoutMs: 10_000,
  request: STRICT_REQUESTS,
  restart: { minDelayMs: 500, maxDelayMs: 30_000, maxCrashes: 5, windowMs: 60_000, retryAfterMs: 300_000 },
  idle: DEFAULT_IDLE,
  health: DEFAULT_HEALTH,
  probation: DEFAULT_PROBATION,
  history: 5,
  dependsOn: [],
  calls: [],
  required: false,
  env: {},
  isolation: DEFAULT_ISOLATION,
  versions: DEFAULT_VERSION_SETTINGS,
};

/** Keys of the settings of one application: `applications:` of `host.yaml` and `servlet:` of a descriptor. */
const settingsShape = {
  prefix: word(['strip', 'keep']).optional(),
  instances: instancesSchema.optional(),
  start: section({
    when: word(['eager', 'lazy', 'manual']).optional(),
    timeout: duration({ min: 100 }).optional(),
  }).optional(),
  stop: section({ timeout: duration().optional() }).optional(),
  drain: section({ timeout: duration().optional() }).optional(),
  response: section({ timeout: duration().optional() }).optional(),
  hang: section({ timeout: duration({ min: 1000 }).optional() }).optional(),
  limits: section({
    heap: size({ min: 16 * MIB }).optional(),
    body: size().optional(),
    memory: size().optional(),
    ...processLimitsShape,
    ...trafficShape,
  }).optional(),
  request: section({
    malformedEscapes: word(['refuse', 'pass']).optional(),
    trace: word(['refuse', 'pass']).optional(),
  }).optional(),
  restart: section({
    minDelay: duration().optional(),
    maxDelay: duration().optional(),
    maxCrashes: integer(1, 1000).optional(),
    window: duration({ min: 1000 }).optional(),
    retryAfter: duration().optional(),
  }).optional(),
  idle: idleSchema.optional(),
  queue: queueSchema.optional(),
  schedule: scheduleSchema.optional(),
  health: healthSchema.optional(),
  liveness: livenessSchema.optional(),
  probation: probationSchema.optional(),
  history: integer(1, 100).optional(),
  dependsOn: dependenciesSchema,
  calls: callsSchema,
  required: flag().optional(),
  env: environment(secretFile).optional(),
  ...isolationShape,
  ...versionShape,
};

/** `applications:` of `host.yaml`. */
export const settingsSchema = section(settingsShape);
const servletShape = {
  host: text(512).optional(),
  context: text(2048).optional(),
  catalog: flag().optional(),
  ...settingsShape,
};
/** `portico.servlet:` of a descriptor: the settings, virtual host, context path and the right to the catalog. */
export const servletSchema = section(servletShape);
export const SERVLET_KEYS: readonly string[] = Object.keys(servletShape);

/** The settings that were written; what is missing has its default elsewhere. */
export type SettingsSection = z.output<typeof settingsSchema>;

/** Settings where each key of the section replaces the base; `env` is merged name by name. */
export function applySettings(base: ApplicationSettings, given: SettingsSection): ApplicationSettings {
  return {
    startWhen: given.start?.when ?? base.startWhen,
    startTimeoutMs: given.start?.timeout ?? base.startTimeoutMs,
    stopTimeoutMs: given.stop?.timeout ?? base.stopTimeoutMs,
    drainTimeoutMs: given.drain?.timeout ?? base.drainTimeoutMs,
    responseTimeoutMs: given.response?.timeout ?? base.responseTimeoutMs,
    prefix: given.prefix ?? base.prefix,
    ...applyInstances(base, given.instances),
    processLimits: applyProcessLimits(base.processLimits, given.limits),
    maxHeapBytes: given.limits?.heap ?? base.maxHeapBytes,
    maxMemoryBytes: given.limits?.memory ?? base.maxMemoryBytes,
    maxBodyBytes: given.limits?.body ?? base.maxBodyBytes,
    hangTimeoutMs: given.hang?.timeout ?? base.hangTimeoutMs,
    request: {
      malformedEscapes: given.request?.malformedEscapes ?? base.request.malformedEscapes,
      trace: given.request?.trace ?? base.request.trace,
    },
    restart: {
      minDelayMs: given.restart?.minDelay ?? base.restart.minDelayMs,
      maxDelayMs: given.restart?.maxDelay ?? base.restart.maxDelayMs,
      maxCrashes: given.restart?.maxCrashes ?? base.restart.maxCrashes,
      windowMs: given.restart?.window ?? base.restart.windowMs,
      retryAfterMs: given.restart?.retryAfter ?? base.restart.retryAfterMs ?? 0,
    },
    idle: applyIdle(base.idle, given.idle),
    schedule: applySchedule(base.schedule, given.schedule),
    health: applyHealth(base.health, given.health),
    liveness: applyLiveness(base.liveness, given.liveness),
    probation: applyProbation(base.probation, given.probation),
    history: given.history ?? base.history,
    dependsOn: given.dependsOn ?? base.dependsOn,
    calls: given.calls ?? base.calls ?? [],
    required: given.required ?? base.required,
    ...applyQueueSettings(base, given.queue, given.limits),
    ...applyIsolation(base, given),
    ...applyVersionSettings(base, given),
  };
}
