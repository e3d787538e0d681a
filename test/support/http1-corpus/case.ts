import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixturesFolder } from '#test/support/paths.js';

/** Who answers the cases. */
export type SubjectName = 'connector' | 'cio' | 'front' | 'framework' | 'upstream' | 'node';

/** What differs for one subject, and why. */
export interface Difference {
  readonly expect?: readonly string[];
  readonly sees?: Readonly<Record<string, unknown>>;
  readonly answer?: Readonly<Record<string, string | null>>;
  /** Requests that the application sees. */
  readonly reaches?: number;
  /** Major versions of Node that do so; every one when nothing is said. */
  readonly versions?: readonly number[];
  /** A sentence, or the name of one in `reasons.json`. */
  readonly why: string;
}

/** One case of the corpus; the keys are explained in `test/fixtures/http1/README.md`. */
export interface Case {
  readonly name: string;
  readonly rfc: string;
  readonly send: string | readonly (string | { readonly repeat: string; readonly times: number })[];
  readonly end?: boolean;
  /** Methods of the requests that are answered, in order; GET where nothing is said. */
  readonly methods?: readonly string[];
  readonly expect: readonly string[];
  readonly sees?: Readonly<Record<string, unknown>>;
  readonly answer?: Readonly<Record<string, string | null>>;
  readonly reaches?: number;
  readonly cio?: Difference;
  readonly front?: Difference;
  /** Where it is otherwise than with `cio`. */
  readonly framework?: Difference;
  /** Where it is otherwise than with `front`. */
  readonly upstream?: Difference;
  readonly node?: Difference;
}

const corpusFolder: string = join(fixturesFolder, 'http1');

/** The cases of all files, by the name of the file. */
export function readCorpus(): Map<string, readonly Case[]> {
  const files = readdirSync(corpusFolder).filter((name) => name.endsWith('.json') && name !== 'reasons.json');
  return new Map(files.map((name) => [name.replace('.json', ''), readJson(name) as Case[]]));
}

/** Why others answer differently, where many cases have the same reason. */
export function readReasons(): Readonly<Record<string, string>> {
  return readJson('reasons.json') as Record<string, string>;
}

/** The bytes of a case. */
export function bytesOf(one: Case): Buffer {
  const parts = typeof one.send === 'string' ? [one.send] : one.send;
  const text = parts
    .map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times)))
    .join('');
  return Buffer.from(text, 'latin1');
}

/** The case as one subject has to answer it. */
export function caseFor(one: Case, subject: SubjectName): Case {
  if (subject === 'connector') return one;
  const {
    why: _why,
    versions: _versions,
    ...difference
  } = one[subject] ?? one[ALIKE[subject] ?? subject] ?? { why: '' };
  return { ...one, ...difference };
}

/** Where nothing is said of a subject, it answers like this one. */
const ALIKE: Readonly<Partial<Record<SubjectName, 'cio' | 'front'>>> = {
  framework: 'cio',
  upstream: 'front',
};

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(corpusFolder, name), 'utf8'));
}
