import { lstatSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { z } from 'zod';
import {
  APPLICATION_FILES,
  originsOf,
  pathsWithReferences,
  readApplicationFile,
} from '../config/application-file.js';
import { SERVLET_KEYS, type SettingsSection, servletSchema } from '../config/application-settings.js';
import { checkAgainst, mergeProblems } from '../config/check-against.js';
import { ConfigError, type ConfigProblem, suggest } from '../config/config-error.js';
import type { Variables } from '../config/interpolate.js';
import { isRecord } from '../config/is-record.js';
import { readSmallText } from '../config/read-text.js';
import { redirectStatus } from '../config/redirect-schema.js';
import type { RedirectStatus } from '../config/redirect-settings.js';
import { leaf, section, show, text, word } from '../config/setting-types.js';
import { type ConfigDocument, parseConfigDocument } from '../config/yaml-document.js';
import { PorticoError } from '../errors.js';

const SECTIONS = ['portico', 'ktor'] as const;

/** `redirect:` of an application. */
export interface RedirectSection {
  /** A URL, or a path of the host that was asked. */
  readonly to: string;
  /** Default 308. */
  readonly status: RedirectStatus;
  /** `keep`: what follows the context path, and the query, are put behind `to`. Default `keep`. */
  readonly path: 'keep' | 'drop';
}

/** The `application:` section: one of the first six at most says how the bundle answers. */
export interface ApplicationSection {
  readonly modules?: readonly string[] | undefined;
  readonly main?: string | undefined;
  readonly static?: string | undefined;
  readonly upstream?: readonly string[] | undefined;
  readonly redirect?: RedirectSection | undefined;
  readonly command?: readonly string[] | undefined;
  /** Where `command` listens. */
  readonly listen?: 'port' | 'socket' | undefined;
  readonly id?: string | undefined;
}

/** The keys of it that say so, as they are looked for. */
export const APPLICATION_KINDS = ['modules', 'main', 'command', 'static', 'upstream', 'redirect'] as const;

/** One descriptor, checked. */
export interface Descriptor {
  readonly file: string;
  readonly application: ApplicationSection;
  readonly servlet: SettingsSection & {
    readonly host?: string | undefined;
    readonly context?: string | undefined;
    readonly catalog?: boolean | undefined;
  };
  /** `portico.bundle` of an operator's descriptor: where the bundle lies, as it was written. */
  readonly bundle: string | undefined;
  /** The whole tree, free keys included. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where each value of `config` stands, `application.yaml:3`, by its dotted path. */
  readonly origins: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** For problems that are found later, such as a missing entry. */
  problem: ConfigDocument['problem'];
  /** `portico`, or `ktor` where that was written. */
  readonly section: string;
}

const modules = leaf((value, fail): readonly string[] | undefined => {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) return fail('the list is empty: name at least one module, file#function');
  const wrong = list.find((item) => typeof item !== 'string' || item.trim() === '');
  if (wrong !== undefined) return fail(`${show(wrong)} is not the name of a module: write file#function`);
  return list;
});

/** One URL, or several. */
const upstreams = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(text(2048)).min(1, 'the list is empty: name at least one URL').max(100),
);

/** A program and its arguments. One text is a program without arguments: no shell takes it apart. */
const command = leaf((value, fail): readonly string[] | undefined => {
  const list = (Array.isArray(value) ? value : [value]).map((item) =>
    typeof item === 'number' ? `${item}` : item,
  );
  const wrong = list.find((item) => typeof item !== 'string' || item.includes('\0'));
  if (wrong !== undefined) return fail(`${show(wrong)} is not text: write the arguments as texts`);
  const program: unknown = list[0];
  if (typeof program !== 'string' || program.trim() === '')
    return fail('there is no program: write [program, argument, …]');
  if (!Array.isArray(value) && /\s/.test(program))
    return fail(
      `${show(value)} has blanks, and no shell takes it apart`,
      `[${program.trim().split(/\s+/).join(', ')}]`,
    );
  return list;
});

const redirectSection = section({
  to: text(2048),
  status: redirectStatus().default(308),
  path: word(['keep', 'drop']).default('keep'),
});

const applicationSchema = section({
  modules: modules.optional(),
  main: text().optional(),
  static: text().optional(),
  upstream: upstreams.optional(),
  redirect: z
    .preprocess((value) => (typeof value === 'string' ? { to: value } : value), redirectSection)
    .optional(),
  command: command.optional(),
  listen: word(['port', 'socket']).optional(),
  id: text(200).optional(),
});

/**
 * Reads the operator's descriptor, `apps/NAME.yaml`. `${NAME}` in it is the host's environment. It may be a link, as
 * mounted configuration is. Throws ConfigError `PORTICO_DESCRIPTOR_INVALID`.
 */
export function readOperatorDescriptor(file: string, variables: Variables): Descriptor {
  const descriptor = checkDescriptor(readDocument(file, variables));
  const problems = misplaced(descriptor);
  if (problems.length > 0) throw new ConfigError('PORTICO_DESCRIPTOR_INVALID', problems);
  return descriptor;
}

/** Keys of the host that an operator wrote one level too high, where they would silently do nothing. */
function misplaced({ config, section: name, problem }: Descriptor): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  const look = (above: readonly string[], keys: readonly string[], place: string): void => {
    const parent = above.length === 0 ? config : config[name];
    if (!isRecord(parent)) return;
    for (const key of Object.keys(parent)) {
      if (!keys.includes(key)) continue;
      found.push(problem([...above, key], `has no effect here: write it below ${place}`, { at: 'key' }));
    }
  };
  look([], ['bundle', 'servlet'], `${name}:`);
  look([name], SERVLET_KEYS, `${name}.servlet:`);
  // With a section of its own, such a key belongs to the application.
  if (config[name] === undefined) look([], SERVLET_KEYS, `${name}.servlet:`);
  return found;
}

/**
 * Reads the developer's descriptor of a bundle, if it has one: YAML, HOCON or `.properties`, with the substitutions of
 * a configuration of an application (`readApplicationFile`). `variables` must not hold secrets of the host: an
 * application could read them through its configuration. A descriptor that is a link out of the bundle is refused, as
 * is one that includes a file from elsewhere.
 */
export async function readDeveloperDescriptor(
  folder: string,
  variables: Variables,
): Promise<Descriptor | undefined> {
  const found = APPLICATION_FILES.filter(
    (name) => lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined,
  );
  const [name, ...others] = found;
  if (name === undefined) return undefined;
  const file = join(folder, name);
  refuseLinkOut(folder, file);
  const descriptor = checkDescriptor(await readApplicationDocument(file, folder, variables));
  const ignored = others.map((other) => `${other} is ignored: ${name} is there as well`);
  return { ...descriptor, notes: [...ignored, ...unsubstituted(name, descriptor), ...descriptor.notes] };
}

async function readApplicationDocument(
  file: string,
  folder: string,
  variables: Variables,
): Promise<ConfigDocument> {
  try {
    return await readApplicationFile({ file, variables, within: folder });
  } catch (error) {
    if (error instanceof PorticoError) throw descriptorError(file, error.message, error);
    throw error;
  }
}

/** References that stay as they are written, which is seldom what was meant. */
function unsubstituted(name: string, { config }: Descriptor): string[] {
  if (!/\.ya?ml$/.test(name)) return [];
  return pathsWithReferences(config).map(
    (path) => `${path}: \${…} within a text is left as it is; only a value that begins with $ is a reference`,
  );
}

/** Throws when `file` leads out of the bundle, by its own link or by one of a folder above it. */
export function refuseLinkOut(folder: string, file: string): void {
  let real: string;
  try {
    real = realpathSync(file);
  } catch (cause) {
    throw descriptorError(
      file,
      `${file} is a link that leads nowhere: put the file itself into the bundle`,
      cause,
    );
  }
  if (!real.startsWith(realpathSync(folder) + sep)) {
    throw descriptorError(
      file,
      `${file} is a link out of the bundle: put the file itself into the bundle`,
      undefined,
    );
  }
}

function descriptorError(file: string, message: string, cause: unknown): ConfigError {
  const problem: ConfigProblem = {
    file,
    line: undefined,
    column: undefined,
    path: '',
    message,
    suggestion: undefined,
  };
  return new ConfigError('PORTICO_DESCRIPTOR_INVALID', [problem], { cause });
}

function readDocument(file: string, variables: Variables): ConfigDocument {
  try {
    return parseConfigDocument(readSmallText(file), file, variables, 'exact');
  } catch (error) {
    if (error instanceof PorticoError) throw descriptorError(file, error.message, error);
    throw error;
  }
}

function checkDescriptor(document: ConfigDocument): Descriptor {
  const problems: ConfigProblem[] = [];
  const used = SECTIONS.filter((name) => Object.hasOwn(document.data, name));
  const name = used[0] ?? 'portico';
  if (used.length > 1) {
    problems.push(
      document.problem(['ktor'], 'portico and ktor are two names of one section: keep one', { at: 'key' }),
    );
  }
  const root = document.data[name];
  if (root !== undefined && root !== null && !isRecord(root)) {
    problems.push(document.problem([name], `must be a section with keys and values, not ${show(root)}`));
  }
  const application = checkAgainst(applicationSchema, document, [name, 'application']);
  const servlet = checkAgainst(servletSchema, document, [name, 'servlet']);
  const bundle = checkAgainst(text().optional(), document, [name, 'bundle']);
  for (const checked of [application, servlet, bundle]) if (!checked.ok) problems.push(...checked.problems);
  if (application.ok) problems.push(...kindProblems(application.value, document, name));
  if (problems.length > 0 || !application.ok || !servlet.ok || !bundle.ok) {
    throw new ConfigError('PORTICO_DESCRIPTOR_INVALID', unique(mergeProblems(document.problems, problems)));
  }
  return {
    file: document.file,
    application: application.value,
    servlet: servlet.value,
    bundle: bundle.value,
    config: document.data,
    origins: originsOf(document),
    notes: notesOf(document.data, name, isRecord(root) ? root : {}),
    problem: document.problem,
    section: name,
  };
}

function kindProblems(
  application: ApplicationSection,
  document: ConfigDocument,
  name: string,
): ConfigProblem[] {
  const path = [name, 'application'];
  if (application.listen !== undefined && application.command === undefined) {
    const message = 'listen says where a command listens, and there is none: add command, or take it away';
    return [document.problem([...path, 'listen'], message, { at: 'key' })];
  }
  const kinds = APPLICATION_KINDS.filter((kind) => application[kind] !== undefined);
  const second = kinds[1];
  if (second === undefined) return [];
  return [
    document.problem([...path, second], `${kinds.join(' and ')} exclude each other: keep one`, { at: 'key' }),
  ];
}

/** What is in the file without effect here. */
function notesOf(
  data: Readonly<Record<string, unknown>>,
  name: string,
  root: Readonly<Record<string, unknown>>,
): string[] {
  const notes: string[] = [];
  const deployment = root['deployment'];
  if (isRecord(deployment)) {
    for (const key of Object.keys(deployment)) {
      notes.push(
        `${name}.deployment.${key} is ignored: in the container the host owns address, port and path`,
      );
    }
  }
  for (const key of Object.keys(root)) {
    const near = suggest(key, ['application', 'deployment', 'servlet', 'bundle']);
    if (near !== undefined && near !== key)
      notes.push(`${name}.${key} has no meaning to the host; ${name}.${near} would`);
  }
  for (const key of Object.keys(data)) {
    if (key === 'portico' || key === 'ktor' || suggest(key, ['portico']) === undefined) continue;
    notes.push(`${key} has no meaning to the host; portico would`);
  }
  return notes;
}

function unique(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = JSON.stringify(problem);
    return seen.has(key) ? false : seen.add(key);
  });
}
