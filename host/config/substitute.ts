import { type ConfigPath, type ConfigProblem, suggest } from './config-error.js';
import type { Variables } from './interpolate.js';
import { isRecord } from './is-record.js';
import type { ConfigDocument } from './yaml-document.js';

/**
 * Puts variables into the values of an application's YAML file. A value that begins with `$` is a reference as a whole:
 *
 * - `$NAME`, `${NAME}`: the single value at that path of the same file, else the variable; missing is a problem;
 * - `$?NAME`, `${?NAME}`: the same, but null when missing;
 * - `$NAME:text`, `${NAME:text}`: the variable, else the text behind the first colon;
 * - `$$text`: `$text`.
 *
 * What comes from a variable is text and is not looked at again. Any other value stays as it is, also with `${` inside.
 */
export function substituteValues(document: ConfigDocument, variables: Variables): ConfigDocument {
  if (!document.checkable) return document;
  const substitution = new Substitution(document, variables);
  const data = substitution.walk(document.data, []) as Record<string, unknown>;
  return { ...document, data, problems: [...document.problems, ...substitution.problems] };
}

class Substitution {
  readonly problems: ConfigProblem[] = [];
  readonly #document: ConfigDocument;
  readonly #variables: Variables;

  constructor(document: ConfigDocument, variables: Variables) {
    this.#document = document;
    this.#variables = variables;
  }

  walk(value: unknown, path: ConfigPath): unknown {
    if (typeof value === 'string') return value.startsWith('$') ? this.#refer(value, path, []) : value;
    if (Array.isArray(value)) return value.map((item, index) => this.walk(item, [...path, index]));
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.walk(item, [...path, key])]),
    );
  }

  /** `trail` holds the references that have led here. */
  #refer(text: string, path: ConfigPath, trail: readonly string[]): unknown {
    if (text.startsWith('$$')) return text.slice(1);
    const inner = text.startsWith('${') && text.endsWith('}') ? text.slice(2, -1) : text.slice(1);
    const isOptional = inner.startsWith('?');
    const body = isOptional ? inner.slice(1) : inner;
    const colon = body.indexOf(':');
    const name = colon < 0 ? body : body.slice(0, colon);
    if (colon < 0) {
      if (trail.includes(name))
        return this.#problem(path, `Cycle detected: ${[...trail, name].map((one) => `$${one}`).join(' → ')}`);
      const found = singleAt(this.#document.data, name);
      if (typeof found === 'string' && found.startsWith('$'))
        return this.#refer(found, path, [...trail, name]);
      if (found !== undefined) return found;
    }
    const variable = Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
    if (variable !== undefined) return variable;
    if (colon >= 0) return body.slice(colon + 1);
    if (isOptional) return null;
    const advice = /[{}$]/.test(name)
      ? 'a reference is the whole value, as $NAME; to put it into a text use application.conf, or write $$ for a plain $'
      : `set it, or give a default with "$${name}:default"`;
    const message = `Required environment variable ${JSON.stringify(name)} not found and no default value is present: ${advice}`;
    return this.#problem(path, message, suggest(name, Object.keys(this.#variables)));
  }

  #problem(path: ConfigPath, message: string, suggestion?: string): null {
    this.problems.push(this.#document.problem(path, message, { suggestion }));
    return null;
  }
}

/** The single value at a dotted path; `ktor` and `portico` are one section. */
function singleAt(root: Readonly<Record<string, unknown>>, name: string): unknown {
  const [first = '', ...rest] = name.split('.');
  const aliases =
    first === 'ktor' ? ['ktor', 'portico'] : first === 'portico' ? ['portico', 'ktor'] : [first];
  for (const alias of aliases) {
    let value: unknown = root;
    for (const key of [alias, ...rest])
      value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    if (value !== undefined && value !== null && typeof value !== 'object') return value;
  }
  return undefined;
}
