import { type ConfigPath, type ConfigProblem, formatPath } from '../config-error.js';
import type { Variables } from '../interpolate.js';
import type { ConfigDocument } from '../yaml-document.js';
import { type HoconBudget, type HoconInclude, parseHocon } from './hocon-parser.js';
import { type Resolved, resolveHocon } from './hocon-resolver.js';
import { HoconError } from './hocon-text.js';
import type { HoconPlace } from './hocon-value.js';
import { parseProperties } from './properties-file.js';

const MAX_VALUES = 20_000;
const MAX_INCLUDED_FILES = 50;

/**
 * Reads HOCON (`.conf`, `.json`) or `.properties` with all substitutions put in, as data that remembers where each
 * value stood. Written for files an attacker may have made: bounded in values, depth, includes and steps; nothing of
 * it is run and nothing fetched. `include` gives the files that are included. Never throws for what is in the text.
 */
export function parseHoconDocument(
  text: string,
  file: string,
  variables: Variables,
  include: HoconInclude,
): ConfigDocument {
  const places = new Map<string, HoconPlace>();
  const problem: ConfigDocument['problem'] = (path, message, options) =>
    problemAt(placeOf(places, path), file, path, message, options?.suggestion);
  try {
    let files = 0;
    const budget: HoconBudget = {
      values: MAX_VALUES,
      include: (name, kind, place) => {
        if (++files > MAX_INCLUDED_FILES)
          throw new HoconError(place, `more than ${MAX_INCLUDED_FILES} included files`);
        return include(name, kind, place);
      },
    };
    const root = file.endsWith('.properties') ? parseProperties(text, file) : parseHocon(text, file, budget);
    const data = dataOf(resolveHocon(root, variables), [], places) as Record<string, unknown>;
    return { file, data, problems: [], checkable: true, problem };
  } catch (error) {
    if (!(error instanceof HoconError)) throw error;
    const problems = [problemAt(error.place, file, [], error.message, undefined)];
    return { file, data: {}, problems, checkable: false, problem };
  }
}

function dataOf(value: Resolved, path: ConfigPath, places: Map<string, HoconPlace>): unknown {
  places.set(formatPath(path), value.place);
  if (value.kind === 'scalar') return value.value;
  if (value.kind === 'list') return value.items.map((item, index) => dataOf(item, [...path, index], places));
  return Object.fromEntries(
    [...value.fields].map(([key, field]) => [key, dataOf(field, [...path, key], places)]),
  );
}

function placeOf(places: ReadonlyMap<string, HoconPlace>, path: ConfigPath): HoconPlace | undefined {
  for (let length = path.length; length >= 0; length--) {
    const place = places.get(formatPath(path.slice(0, length)));
    if (place !== undefined) return place;
  }
  return undefined;
}

function problemAt(
  place: HoconPlace | undefined,
  file: string,
  path: ConfigPath,
  message: string,
  suggestion: string | undefined,
): ConfigProblem {
  return {
    file: place?.file ?? file,
    line: place?.line,
    column: place?.column,
    path: formatPath(path),
    message,
    suggestion,
  };
}
