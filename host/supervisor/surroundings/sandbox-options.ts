import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SandboxSettings } from '../../config/isolation-settings.js';
import { PorticoError } from '../../errors.js';

/** Folders of one process. */
export interface SandboxFolders {
  /** The bundle as the process sees it, its working directory: may be read. */
  readonly bundle: string;
  /** The snapshot that its packages are in: may be read. */
  readonly store: string;
  /** Its own temporary folder: may be read and written. */
  readonly temporary: string;
  /** Where the agent listens. */
  readonly socketPath: string;
  /** Where it calls other applications; undefined: nowhere. */
  readonly callSocket?: string | undefined;
}

/** What a version of Node must know of; `process.allowedNodeEnvironmentFlags` of the one that runs is it. */
type KnownOptions = Pick<ReadonlySet<string>, 'has'>;

/**
 * The options of Node's permission model for one process. Throws `PORTICO_SANDBOX_UNSUPPORTED` for what this version of Node
 * cannot hold it to: a sandbox that is open without saying so would be worse than none.
 */
export function sandboxOptions(
  sandbox: SandboxSettings,
  folders: SandboxFolders,
  known: KnownOptions = process.allowedNodeEnvironmentFlags,
): string[] {
  const model = ['--permission', '--experimental-permission'].find((option) => known.has(option));
  if (model === undefined) throw unsupported('this version of Node has no permission model: use 20 or newer');
  if (!sandbox.net && !known.has('--allow-net')) {
    throw unsupported(
      'this version of Node cannot refuse the network (net: false): use 25 or newer, or take net away',
    );
  }
  const { bundle, store, temporary, socketPath, callSocket } = folders;
  const sockets = callSocket === undefined ? [socketPath] : [socketPath, callSocket];
  // The package that bundles without one of their own import is linked beside the store.
  const provided = resolve(store, '../../node_modules');
  const read = [
    ...INSTALLATION,
    provided,
    ...bothNames(bundle),
    ...bothNames(store),
    ...bothNames(temporary),
    ...sockets,
    ...sandbox.read,
  ];
  const write = [...bothNames(temporary), ...sockets, ...sandbox.write];
  const wish: readonly (readonly [boolean, string])[] = [
    [sandbox.net, '--allow-net'],
    [sandbox.child, '--allow-child-process'],
    [sandbox.worker, '--allow-worker'],
    [sandbox.addons, '--allow-addons'],
  ];
  return [
    model,
    ...outermost(read, bundle).map((path) => `--allow-fs-read=${path}`),
    ...outermost(write, bundle).map((path) => `--allow-fs-write=${path}`),
    ...wish.filter(([isWished, option]) => isWished && known.has(option)).map(([, option]) => option),
  ];
}

/**
 * The paths, absolute, without those that lie in others; shorter ones first. Node 20 aborts at a path that is the beginning of
 * one it has got before.
 */
function outermost(paths: readonly string[], bundle: string): string[] {
  if (paths.includes('*')) return ['*'];
  const kept: string[] = [];
  const sorted = paths.map((path) => resolve(bundle, path)).sort((a, b) => a.length - b.length);
  for (const path of sorted) {
    const isInside = kept.some(
      (other) => path === other || path.startsWith(other === sep ? sep : other + sep),
    );
    if (!isInside) kept.push(path);
  }
  return kept;
}

/** Node looks modules up by their real paths. */
function bothNames(folder: string): string[] {
  return [...new Set([folder, realpathSync(folder)])];
}

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/[/\\]$/, '');

/** Where Portico is installed, and beside it what it needs itself, which may be hoisted. */
const INSTALLATION = [
  ...['package.json', 'dist', 'node_modules'].map((name) => join(ROOT, name)),
  ...(basename(dirname(ROOT)) === 'node_modules' ? [dirname(ROOT)] : []),
];

function unsupported(message: string): PorticoError {
  return new PorticoError('PORTICO_SANDBOX_UNSUPPORTED', message);
}
