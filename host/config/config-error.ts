import { distance } from 'fastest-levenshtein';
import { PorticoError } from '../errors.js';

/** One thing that is wrong in a configuration file, for people and for programs. */
export interface ConfigProblem {
  /** File, or `environment` / `command line` when the value came from there. */
  readonly file: string;
  /** Counted from 1; undefined when the problem has no place, such as a file that cannot be read. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** `connectors[0].port`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  /** What was probably meant; undefined when nothing comes near. */
  readonly suggestion: string | undefined;
}

/** Path inside a document: keys and list positions. */
export type ConfigPath = readonly (string | number)[];

/**
 * Everything that is wrong with a configuration, reported at once. `PORTICO_CONFIG_INVALID` for `host.yaml`,
 * `PORTICO_DESCRIPTOR_INVALID` for the descriptor of an application. Nothing of the file is in force.
 */
export class ConfigError extends PorticoError {
  readonly problems: readonly ConfigProblem[];

  constructor(
    code: 'PORTICO_CONFIG_INVALID' | 'PORTICO_DESCRIPTOR_INVALID',
    problems: readonly ConfigProblem[],
    options?: { readonly cause?: unknown },
  ) {
    super(code, formatProblems(problems), options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** One line per problem: `deploy/host.yaml:3:5: connectors[0].prot: unknown key (did you mean "port"?)`. */
function formatProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(formatProblem).join('\n');
}

/** `['connectors', 0, 'port']` → `connectors[0].port`. Keys with unusual characters are quoted. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!/^[\w-]{1,80}$/.test(part)) text += `[${JSON.stringify(part.slice(0, 80))}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** The known word that comes near enough to be what was meant. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance && d < candidate.length) [best, bestDistance] = [candidate, d];
  }
  return best;
}

function formatProblem(problem: ConfigProblem): string {
  const hint = problem.suggestion === undefined ? '' : ` (did you mean "${problem.suggestion}"?)`;
  return `${formatPlace(problem)}: ${problem.message}${hint}`;
}

/** `deploy/host.yaml:3:5: connectors[0].port`. */
export function formatPlace({ file, line, column, path }: ConfigProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return path === '' ? place : `${place}: ${path}`;
}
