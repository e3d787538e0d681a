import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { flag, leaf, section, show, word } from './setting-types.js';

/** What stands between the processes of an application and the rest of the machine. */
export interface IsolationSettings {
  /** Mask of the rights of new files. Undefined: that of the host. */
  readonly umask: number | undefined;
  /** Whether each instance works in a copy of the bundle, not in the snapshot that all share. Default true. */
  readonly hasOwnFolder: boolean;
  /** Name or number of the user whose rights the processes have. Undefined: the host's. Only a host of root can give another. */
  readonly user: string | undefined;
  /** Name or number of the group. Undefined: that of the user. */
  readonly group: string | undefined;
  /** What Node lets the code do. Undefined: everything. */
  readonly sandbox: SandboxSettings | undefined;
  /** Variables of the environment whose values are read from files, at each start of a process; absolute paths. */
  readonly secretFiles: Readonly<Record<string, string>>;
}

/** Node's permission model for one application. Its bundle and its temporary folder are always allowed. */
export interface SandboxSettings {
  /** Files and folders that may be read besides; absolute, or relative to the bundle. `*`: all. */
  readonly read: readonly string[];
  /** Files and folders that may be written besides. The bundle itself is not among them. */
  readonly write: readonly string[];
  /** Whether it may use the network. Default true; only newer versions of Node can refuse it. */
  readonly net: boolean;
  /** Whether it may start programs. Default false. */
  readonly child: boolean;
  /** Whether it may start worker threads. Default false. */
  readonly worker: boolean;
  /** Whether it may load native addons. Default false. */
  readonly addons: boolean;
}

/** Nothing but a process of its own. */
export const DEFAULT_ISOLATION: IsolationSettings = {
  umask: undefined,
  hasOwnFolder: true,
  user: undefined,
  group: undefined,
  sandbox: undefined,
  secretFiles: {},
};

const identity = (what: 'user' | 'group') =>
  leaf((value, fail) => {
    const name = String(value);
    const isName = typeof value === 'string' || typeof value === 'number';
    if (isName && /^(?:[a-z_][a-z0-9_.-]{0,31}\$?|0|[1-9]\d{0,9})$/i.test(name)) return name;
    return fail(`${show(value)} is no name or number of a ${what}`);
  });

const paths = leaf((value, fail): readonly string[] | undefined => {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const wrong = list.find((item) => typeof item !== 'string' || item === '' || /[\0,]/.test(item));
  return wrong === undefined
    ? (list as readonly string[])
    : fail(`${show(wrong)} is no path: name a file or folder without a comma, or write "*"`);
});

/** The keys of it, of `applications:` and of a descriptor. */
export const isolationShape = {
  umask: leaf((value, fail) => {
    // YAML reads 027 as 27: the digits are what was meant.
    const digits = String(value);
    return /^0?[0-7]{3}$/.test(digits) || /^[0-7]{2}$/.test(digits)
      ? Number.parseInt(digits, 8)
      : fail(`${show(value)} is no umask: write three octal digits, as in 027`);
  }).optional(),
  workingFolder: word(['own', 'shared']).optional(),
  user: identity('user').optional(),
  group: identity('group').optional(),
  sandbox: section({
    read: paths.optional(),
    write: paths.optional(),
    net: flag().optional(),
    child: flag().optional(),
    worker: flag().optional(),
    addons: flag().optional(),
  }).optional(),
};

/** `{ file: /run/secrets/db }`: the value of a variable is what is in the file. */
export const secretFile = z.strictObject({
  file: leaf((value, fail) =>
    typeof value === 'string' && isAbsolute(value) && !value.includes('\0')
      ? value
      : fail(`${show(value)} is not an absolute path`),
  ),
});

/** What was written of it. */
export type IsolationSection = {
  readonly [K in keyof typeof isolationShape]?: z.output<(typeof isolationShape)[K]>;
};

type Variable = string | z.output<typeof secretFile>;

/** Each key replaces the base; the variables are merged name by name, whichever kind they are of. */
export function applyIsolation(
  base: { readonly isolation: IsolationSettings; readonly env: Readonly<Record<string, string>> },
  given: IsolationSection & { readonly env?: Readonly<Record<string, Variable>> | undefined },
): { readonly isolation: IsolationSettings; readonly env: Readonly<Record<string, string>> } {
  const env = { ...base.env };
  const secretFiles = { ...base.isolation.secretFiles };
  for (const [name, value] of Object.entries(given.env ?? {})) {
    delete env[name];
    delete secretFiles[name];
    if (typeof value === 'string') env[name] = value;
    else secretFiles[name] = value.file;
  }
  const { umask, hasOwnFolder, user, group, sandbox } = base.isolation;
  const isolation: IsolationSettings = {
    umask: given.umask ?? umask,
    hasOwnFolder: given.workingFolder === undefined ? hasOwnFolder : given.workingFolder === 'own',
    user: given.user ?? user,
    // The group of another user would be no default of this one.
    group: given.group ?? (given.user === undefined ? group : undefined),
    sandbox: given.sandbox === undefined ? sandbox : { ...(sandbox ?? CLOSED), ...written(given.sandbox) },
    secretFiles,
  };
  return { isolation, env };
}

/**
 * What only the operator may say: a bundle that names a user, a file of the machine or its own permissions would take rights
 * that nobody gave it. `isSandboxed`: nor may it give options to Node, which could open the sandbox, or say whom it calls. The
 * result has the rest, and the names of what was left out.
 */
export function withoutRights<
  S extends IsolationSection & {
    readonly env?: Readonly<Record<string, Variable>> | undefined;
    readonly calls?: unknown;
  },
>(given: S, isSandboxed: boolean): { readonly section: S; readonly refused: readonly string[] } {
  const refused: string[] = [];
  const section: S = { ...given };
  const keys = ['user', 'group', 'sandbox', ...(isSandboxed ? (['calls'] as const) : [])] as const;
  for (const key of keys) {
    if (given[key] === undefined) continue;
    refused.push(key);
    delete section[key];
  }
  const isRefused = ([name, value]: readonly [string, Variable]): boolean =>
    typeof value !== 'string' || (isSandboxed && name === 'NODE_OPTIONS');
  const variables = Object.entries(given.env ?? {});
  refused.push(...variables.filter(isRefused).map(([name]) => `env.${name}`));
  const env = Object.fromEntries(variables.filter((variable) => !isRefused(variable)));
  return { section: { ...section, env }, refused };
}

const CLOSED: SandboxSettings = {
  read: [],
  write: [],
  net: true,
  child: false,
  worker: false,
  addons: false,
};

function written(given: NonNullable<IsolationSection['sandbox']>): Partial<SandboxSettings> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
