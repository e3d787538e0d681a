import { applySettings } from '../config/application-settings.js';
import { ConfigError, type ConfigProblem } from '../config/config-error.js';
import type { ApplicationSettings } from '../config/host-config.js';
import type { Variables } from '../config/interpolate.js';
import { isRecord } from '../config/is-record.js';
import { withoutRights } from '../config/isolation-settings.js';
import { PorticoError } from '../errors.js';
import { parseContextPath } from './context-name.js';
import {
  APPLICATION_KINDS,
  type ApplicationSection,
  type Descriptor,
  readDeveloperDescriptor,
  readOperatorDescriptor,
} from './descriptor.js';
import { readDotEnv } from './dot-env.js';
import {
  commandEntry,
  detectEntry,
  EntryError,
  mainEntry,
  modulesEntry,
  redirectEntry,
  staticEntry,
  upstreamEntry,
} from './entry.js';
import type { Manifest } from './manifest.js';
import { readPackageJson } from './package-json.js';

/** What is known of a bundle when its manifest is read. */
export interface ManifestSource {
  /** The expanded bundle; absolute. Undefined for an application that is only a descriptor (`upstream`). */
  readonly folder?: string | undefined;
  /** `apps/NAME.yaml`. */
  readonly operatorDescriptor?: string | undefined;
  /** `applications` of `host.yaml`. */
  readonly defaults: ApplicationSettings;
  /**
   * For `${NAME}` in the operator's descriptor; default `process.env`. The developer's descriptor sees the `env` of
   * defaults and operator only: a bundle must not be able to read the host's secrets.
   */
  readonly env?: Variables | undefined;
}

/**
 * Brings together what the operator, the developer and the folder say, the operator first. Throws ConfigError
 * (`PORTICO_DESCRIPTOR_INVALID`) with all problems of a descriptor, or PorticoError `PORTICO_BUNDLE_INVALID`.
 */
export async function readManifest(source: ManifestSource): Promise<Manifest> {
  const { folder, defaults } = source;
  const operator =
    source.operatorDescriptor === undefined
      ? undefined
      : readOperatorDescriptor(source.operatorDescriptor, source.env ?? process.env);
  const operatorSettings = applySettings(defaults, operator?.servlet ?? {});
  const developer =
    folder === undefined ? undefined : await readDeveloperDescriptor(folder, operatorSettings.env);
  const isSandboxed = operatorSettings.isolation.sandbox !== undefined;
  const theirs = withoutRights(developer?.servlet ?? {}, isSandboxed);
  const settings = applySettings(applySettings(defaults, theirs.section), operator?.servlet ?? {});
  checkRestart(settings, operator ?? developer);
  const entry = entryOf(folder, operator, developer);
  const runs = entry.kind === 'main' || entry.kind === 'modules' || entry.kind === 'command';
  if (isSandboxed && entry.kind === 'command')
    throw new EntryError(
      'sandbox is a thing of Node and cannot hold a command: take it away, or give a user',
    );
  const scheduler = operator?.servlet.schedule === undefined ? developer : operator;
  if (scheduler !== undefined)
    withPlace(scheduler, ['servlet', 'schedule'], () => checkJobs(folder, entry, settings.schedule));
  return {
    entry,
    contextPath: contextPathOf(operator),
    dotEnv: runs && folder !== undefined ? readDotEnv(folder, isSandboxed) : undefined,
    seesCatalog: operator?.servlet.catalog ?? false,
    settings,
    config: configOf(developer, operator),
    configOrigins: { ...originsIn(developer, developer), ...originsIn(operator, developer) },
    notes: [...refusedOf(developer, theirs.refused), ...notesOf(developer), ...(operator?.notes ?? [])],
  };
}

/**
 * Whether there is somebody to do the jobs, and can be a function where one is wanted; whether there is, only the loaded code
 * tells.
 */
function checkJobs(
  folder: string | undefined,
  { kind }: Manifest['entry'],
  jobs: ApplicationSettings['schedule'] = [],
): void {
  const isIdle = kind === 'static' || kind === 'upstream' || kind === 'redirect';
  if (isIdle && jobs.length > 0)
    throw new EntryError(
      `an application of kind ${kind} has no process that could do jobs: take the schedule away`,
    );
  for (const { name, function: wanted, module } of jobs) {
    if (wanted === undefined) continue;
    if (folder === undefined || (kind !== 'main' && kind !== 'modules'))
      throw new EntryError(
        `job ${name} has a function, and only an application of Node has some, not one of kind ${kind}: give it a path`,
      );
    if (module !== undefined) modulesEntry(folder, [module]);
  }
}

function entryOf(
  folder: string | undefined,
  operator: Descriptor | undefined,
  developer: Descriptor | undefined,
): Manifest['entry'] {
  for (const descriptor of [operator, developer]) {
    const key = descriptor && kindOf(descriptor.application);
    if (descriptor === undefined || key === undefined) continue;
    return withPlace(descriptor, ['application', key], () => declaredEntry(folder, descriptor.application));
  }
  if (folder === undefined) {
    throw new EntryError(
      'there is no bundle to this descriptor, and it names no upstream or redirect: add one of them',
    );
  }
  const pack = readPackageJson(folder);
  if (pack?.main === undefined) return detectEntry(folder, pack !== undefined);
  try {
    return mainEntry(folder, pack.main);
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    throw new EntryError(`package.json (${pack.from}): ${error.message}`, error);
  }
}

function kindOf(application: ApplicationSection): (typeof APPLICATION_KINDS)[number] | undefined {
  return APPLICATION_KINDS.find((key) => application[key] !== undefined);
}

function declaredEntry(folder: string | undefined, application: ApplicationSection): Manifest['entry'] {
  if (application.upstream !== undefined) return upstreamEntry(application.upstream);
  if (application.redirect !== undefined) return redirectEntry(application.redirect);
  if (folder === undefined) throw new EntryError('there is no bundle to this descriptor: put one beside it');
  if (application.modules !== undefined) return modulesEntry(folder, application.modules);
  if (application.main !== undefined) return mainEntry(folder, application.main);
  if (application.command !== undefined)
    return commandEntry(folder, application.command, application.listen ?? 'port');
  return staticEntry(folder, application.static ?? '.');
}

/** The same error, with file, line and column of the key that led to it. */
function withPlace<T>(descriptor: Descriptor, path: readonly string[], action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error;
    throw invalid([descriptor.problem([descriptor.section, ...path], error.message)], error);
  }
}

function contextPathOf(operator: Descriptor | undefined): string | undefined {
  const asked = operator?.servlet.context;
  if (operator === undefined || asked === undefined) return undefined;
  const result = parseContextPath(asked);
  if (result.ok) return result.contextPath;
  throw invalid([operator.problem([operator.section, 'servlet', 'context'], result.reason)], undefined);
}

function checkRestart(settings: ApplicationSettings, descriptor: Descriptor | undefined): void {
  const { minDelayMs, maxDelayMs } = settings.restart;
  if (minDelayMs <= maxDelayMs || descriptor === undefined) return;
  const path = [descriptor.section, 'servlet', 'restart'];
  throw invalid(
    [descriptor.problem(path, 'maxDelay is shorter than minDelay: make it at least as long')],
    undefined,
  );
}

function refusedOf(developer: Descriptor | undefined, keys: readonly string[]): string[] {
  return keys.map(
    (key) => `${developer?.section}.servlet.${key} of the bundle is ignored: only the operator can give it`,
  );
}

function notesOf(developer: Descriptor | undefined): string[] {
  const notes = [...(developer?.notes ?? [])];
  for (const [key, what] of [
    ['host', 'another host than the default one'],
    ['context', 'another path than the name'],
  ] as const) {
    const asked = developer?.servlet[key];
    if (asked === undefined) continue;
    notes.push(
      `${developer?.section}.servlet.${key} ${JSON.stringify(asked)} of the bundle is ignored: ` +
        `only the operator gives ${what}, in the descriptor beside the bundle`,
    );
  }
  if (developer?.servlet.catalog === true) {
    notes.push(
      `${developer.section}.servlet.catalog of the bundle is ignored: only the operator can grant it`,
    );
  }
  if (developer?.bundle !== undefined)
    notes.push(`${developer.section}.bundle of the bundle itself is ignored`);
  return notes;
}

/** The developer's tree with the operator's laid over it; under the name the developer gave the section. */
function configOf(
  developer: Descriptor | undefined,
  operator: Descriptor | undefined,
): Record<string, unknown> {
  if (developer === undefined || operator === undefined) return { ...(developer ?? operator)?.config };
  if (developer.section === operator.section) return overlay(developer.config, operator.config);
  const { [operator.section]: theirs, ...rest } = operator.config;
  return overlay(developer.config, theirs === undefined ? rest : { ...rest, [developer.section]: theirs });
}

/** The origins in a descriptor, under the name that `configOf` gives the section. */
function originsIn(
  descriptor: Descriptor | undefined,
  developer: Descriptor | undefined,
): Record<string, string> {
  if (descriptor === undefined) return {};
  const { section, origins } = descriptor;
  const name = developer?.section ?? section;
  return Object.fromEntries(
    Object.entries(origins).map(([path, origin]) => [
      path === section || path.startsWith(`${section}.`) ? name + path.slice(section.length) : path,
      origin,
    ]),
  );
}

function overlay(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(under, key) ? under[key] : undefined;
    result[key] = isRecord(below) && isRecord(value) ? overlay(below, value) : value;
  }
  return result;
}

function invalid(problems: readonly ConfigProblem[], cause: unknown): ConfigError {
  return new ConfigError('PORTICO_DESCRIPTOR_INVALID', problems, { cause });
}
