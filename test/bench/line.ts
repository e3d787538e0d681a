import { join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';
import type { LoadKind } from './load.js';

/** A thing that every subject of the group `framework` does in the same way; see `subjects/lines/`. */
export interface Line {
  readonly name: string;
  readonly path: string;
  readonly kind: LoadKind;
  readonly connections: number;
}

export const LINES: readonly Line[] = [
  { name: 'text', path: '', kind: 'get', connections: 64 },
  { name: 'json', path: 'users/42', kind: 'get', connections: 64 },
  { name: 'plugins', path: '', kind: 'get', connections: 64 },
  // As `plugins`, and the log can tell facts of the call, wherever a line is logged while it is handled.
  { name: 'facts', path: '', kind: 'get', connections: 64 },
  { name: 'routes', path: 'items500/7/tabs', kind: 'get', connections: 64 },
  { name: 'body', path: '', kind: 'post', connections: 8 },
];

/** Program and arguments that serve one line. */
export function lineServer(subject: string, line: string): readonly string[] {
  return [join(repositoryFolder, 'test/bench/subjects/lines/server.mjs'), subject, line];
}
