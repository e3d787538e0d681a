import type { z } from 'zod';
import { type ConfigPath, type ConfigProblem, suggest } from './config-error.js';
import { isRecord } from './is-record.js';
import { show } from './setting-types.js';
import type { ConfigDocument } from './yaml-document.js';

/** The checked value, or everything that is wrong with it, and with the document, in the order of the lines. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Checks the part of a document at `at` against a schema; every problem gets its line, column, path and a suggestion. */
export function checkAgainst<S extends z.ZodType>(
  schema: S,
  document: ConfigDocument,
  at: ConfigPath = [],
): Checked<z.output<S>> {
  let value: unknown = document.data;
  for (const part of at)
    value =
      isRecord(value) && typeof part === 'string' && Object.hasOwn(value, part) ? value[part] : undefined;
  const result = schema.safeParse(value);
  if (result.success && document.problems.length === 0) return { ok: true, value: result.data };
  if (result.success || !document.checkable) return { ok: false, problems: document.problems };
  const found = result.error.issues.flatMap((issue) => problemsOf(issue, schema, value, document, at));
  return { ok: false, problems: mergeProblems(document.problems, found) };
}

/** Both lists in the order of the lines, without what is said about a value that was already found wrong. */
export function mergeProblems(
  first: readonly ConfigProblem[],
  second: readonly ConfigProblem[],
): ConfigProblem[] {
  const known = new Set(first.map((problem) => `${problem.line} ${problem.path}`));
  const merged = [...first, ...second.filter((problem) => !known.has(`${problem.line} ${problem.path}`))];
  const place = (problem: ConfigProblem) => (problem.line ?? 0) * 1e6 + (problem.column ?? 0);
  return merged.sort((a, b) => place(a) - place(b));
}

function problemsOf(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  root: unknown,
  document: ConfigDocument,
  at: ConfigPath,
): ConfigProblem[] {
  const inner = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const path = [...at, ...inner];
  const value = valueAt(root, inner);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, inner);
      return issue.keys.map((key) =>
        document.problem([...path, key], `unknown key; known here: ${known.join(', ')}`, {
          at: 'key',
          suggestion: suggest(key, known),
        }),
      );
    }
    case 'invalid_type': {
      const wanted =
        issue.expected === 'array'
          ? 'a list'
          : issue.expected === 'object' || issue.expected === 'record'
            ? 'a section with keys and values'
            : issue.expected;
      return [document.problem(path, `must be ${wanted}, not ${show(value)}`)];
    }
    case 'invalid_key':
      return [document.problem(path, issue.issues[0]?.message ?? 'is not allowed as a key', { at: 'key' })];
    case 'custom': {
      const suggestion: unknown = issue.params?.['suggestion'];
      return [
        document.problem(path, issue.message, {
          suggestion: typeof suggestion === 'string' ? suggestion : undefined,
        }),
      ];
    }
    default:
      return [document.problem(path, issue.message)];
  }
}

function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const part of path) {
    if (Array.isArray(value) && typeof part === 'number') value = value[part];
    else if (isRecord(value) && typeof part === 'string' && Object.hasOwn(value, part)) value = value[part];
    else return undefined;
  }
  return value;
}

/** Names of the keys a schema knows at a path; unwraps defaults, options and preprocessing on the way. */
function keysAt(schema: unknown, path: ConfigPath): string[] {
  let current = unwrap(schema);
  for (const part of path) {
    if (current === undefined) return [];
    if (typeof part === 'number') current = unwrap(current['element']);
    else current = unwrap(isRecord(current['shape']) ? current['shape'][part] : current['valueType']);
  }
  return current !== undefined && isRecord(current['shape']) ? Object.keys(current['shape']) : [];
}

function unwrap(schema: unknown): Record<string, unknown> | undefined {
  let current = schema;
  for (let i = 0; i < 10; i++) {
    const def = isRecord(current) ? current['def'] : undefined;
    if (!isRecord(def)) return undefined;
    if (def['innerType'] !== undefined) current = def['innerType'];
    else if (def['type'] === 'pipe') current = def['out'];
    else return def;
  }
  return undefined;
}
