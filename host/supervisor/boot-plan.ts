import { randomBytes } from 'node:crypto';
import type { BootPlan, CallRights } from '../instance/messages.js';
import type { SupervisorDevelopment } from './deployment-options.js';
import type { DeploymentSpec } from './deployment-process.js';
import type { WorkingFolder } from './surroundings/working-folder.js';

/** What differs from one process of a deployment to the next. */
export interface BootPlace {
  readonly instance: string;
  readonly entry: BootPlan['entry'];
  /** Undefined: it works in the snapshot. */
  readonly working: WorkingFolder | undefined;
  readonly socketPath: string;
  readonly statsIntervalMs: number;
  readonly development: SupervisorDevelopment | undefined;
  readonly calls: CallRights | undefined;
}

/** What the agent of one process is told; its secret is a new one each time. */
export function bootPlanOf(spec: DeploymentSpec, place: BootPlace): BootPlan {
  const { settings, config, configOrigins } = spec.manifest;
  const { entry, working, statsIntervalMs, development, ...own } = place;
  return {
    ...own,
    developmentMode: development !== undefined,
    developedIn: development?.folderOf?.(spec.application),
    application: spec.application,
    version: spec.version,
    deployment: spec.deployment,
    contextPath: spec.contextPath,
    folder: working?.path ?? spec.folder,
    entry: entry.kind === 'main' ? { kind: 'main', main: working?.fileOf(entry.main) ?? entry.main } : entry,
    config,
    configOrigins,
    prefix: settings.prefix,
    secret: randomBytes(32).toString('hex'),
    // A hang is found within its timeout.
    statsIntervalMs: Math.min(statsIntervalMs, Math.max(10, settings.hangTimeoutMs / 4)),
    startTimeoutMs: settings.startTimeoutMs,
    umask: settings.isolation.umask,
  };
}
