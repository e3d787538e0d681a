import type { Variables } from '../interpolate.js';
import { HoconError } from './hocon-text.js';
import type {
  HoconConcatenation,
  HoconLayers,
  HoconObject,
  HoconPlace,
  HoconSubstitution,
  HoconValue,
} from './hocon-value.js';

/** A value with its substitutions put in; still knows where it was written. */
export type Resolved =
  | {
      readonly kind: 'scalar';
      readonly value: string | number | boolean | null;
      readonly text: string;
      readonly place: HoconPlace;
      /** The variable of the environment it came from. */
      readonly variable?: string;
    }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Resolved>; readonly place: HoconPlace }
  | { readonly kind: 'list'; readonly items: readonly Resolved[]; readonly place: HoconPlace };

/** Far above what a person needs; a file whose substitutions double each other ends here. */
const MAX_STEPS = 50_000;
const MAX_TEXT = 1024 * 1024;
const MAX_DEPTH = 300;
const ALIASES: Readonly<Record<string, string>> = { ktor: 'portico', portico: 'ktor' };

/**
 * Puts the substitutions in: `${a.b}` is the value at that path of the whole file, whatever comes later in it included,
 * else the variable of the environment. A key that refers to itself means what it held before. Throws HoconError.
 */
export function resolveHocon(root: HoconObject, variables: Variables): Resolved & { kind: 'object' } {
  return new Resolver(root, variables).object(root, 0);
}

/** A value that is being resolved. */
interface Entered {
  /** Of layers: how many from below have not been entered yet. */
  readonly index: number;
  /** Sections around it. */
  readonly sections: number;
}

class Resolver {
  readonly #root: HoconObject;
  readonly #variables: Variables;
  readonly #active = new Map<HoconValue, Entered>();
  /** Sections around the value that is being resolved. */
  #sections = 0;
  #steps = 0;
  #textLength = 0;

  constructor(root: HoconObject, variables: Variables) {
    this.#root = root;
    this.#variables = variables;
  }

  object(object: HoconObject, depth: number): Resolved & { kind: 'object' } {
    const fields = new Map<string, Resolved>();
    this.#sections++;
    for (const [key, value] of object.fields) {
      const resolved = this.#resolve(value, undefined, depth + 1);
      if (resolved !== undefined) fields.set(key, resolved);
    }
    this.#sections--;
    return { kind: 'object', fields, place: object.place };
  }

  /** Undefined: an optional substitution that found nothing. `below` is what the key held before. */
  #resolve(value: HoconValue, below: HoconValue | undefined, depth: number): Resolved | undefined {
    this.#step(value, depth);
    switch (value.kind) {
      case 'scalar':
        return value;
      case 'object':
        return this.object(value, depth);
      case 'list': {
        const items = value.items.flatMap((item) => this.#resolve(item, undefined, depth + 1) ?? []);
        return { kind: 'list', items, place: value.place };
      }
      case 'previous':
        return below === undefined ? undefined : this.#resolve(below, undefined, depth + 1);
      case 'layers':
        return this.#layers(value, depth);
      case 'concatenation':
        return this.#within(value, 0, () => this.#concatenate(value, below, depth));
      case 'substitution':
        return this.#within(value, 0, () => this.#substitute(value, depth));
    }
  }

  #layers(value: HoconLayers, depth: number): Resolved | undefined {
    let result: Resolved | undefined;
    for (let index = value.layers.length - 1; index >= 0; index--) {
      const layer = value.layers[index] as HoconValue;
      const below = lower(value, index);
      const found = this.#within(value.whole ?? value, index, () => this.#resolve(layer, below, depth + 1));
      if (found === undefined) continue;
      if (result === undefined) result = found;
      else if (result.kind === 'object' && found.kind === 'object') result = mergedObjects(found, result);
      if (found.kind !== 'object') break;
    }
    return result;
  }

  #concatenate(
    whole: HoconConcatenation,
    below: HoconValue | undefined,
    depth: number,
  ): Resolved | undefined {
    const parts: (Resolved | string)[] = [];
    for (const part of whole.parts) {
      const found = part.kind === 'space' ? part.text : this.#resolve(part, below, depth + 1);
      if (found !== undefined) parts.push(found);
    }
    const found = parts.filter((part): part is Resolved => typeof part !== 'string');
    const values = found.some((part) => part.kind === 'list') ? found.map(asList) : found;
    const [first] = values;
    if (first === undefined || values.length === 1) return first;
    const other = values.find((part) => part.kind !== first.kind);
    if (other !== undefined)
      throw new HoconError(
        other.place,
        `${NAMES[first.kind]} and ${NAMES[other.kind]} cannot stand side by side`,
      );
    if (first.kind === 'list') {
      const items = values.flatMap((part) => (part.kind === 'list' ? part.items : []));
      return { kind: 'list', items, place: whole.place };
    }
    if (first.kind === 'object')
      return values.reduce((merged, part) =>
        merged.kind === 'object' && part.kind === 'object' ? mergedObjects(merged, part) : merged,
      );
    const text = parts.map((part) => (typeof part === 'string' ? part : textOf(part))).join('');
    this.#textLength += text.length;
    if (this.#textLength > MAX_TEXT)
      throw new HoconError(whole.place, 'the substitutions make more text than is read');
    return { kind: 'scalar', value: text, text, place: whole.place };
  }

  #substitute(value: HoconSubstitution, depth: number): Resolved | undefined {
    if (!value.isList) {
      for (const path of value.paths) {
        const target = this.#lookup(this.#root, path, depth) ?? this.#lookupAlias(path, depth);
        const found = target && this.#resolve(target, undefined, depth + 1);
        if (found !== undefined) return { ...found, place: value.place };
      }
    }
    const name = (value.paths.at(-1) ?? []).join('.');
    if (value.isList) {
      const items: Resolved[] = [];
      for (
        let text = this.#variable(`${name}_0`);
        text !== undefined;
        text = this.#variable(`${name}_${items.length}`)
      )
        items.push({
          kind: 'scalar',
          value: text,
          text,
          place: value.place,
          variable: `${name}_${items.length}`,
        });
      if (items.length > 0) return { kind: 'list', items, place: value.place };
    }
    const text = value.isList ? undefined : this.#variable(name);
    if (text !== undefined) return { kind: 'scalar', value: text, text, place: value.place, variable: name };
    if (value.isOptional) return undefined;
    const isCycle = value.paths.some((path) => this.#isActive(path));
    throw new HoconError(
      value.place,
      isCycle
        ? CYCLE
        : `\${${name}} is neither a key of the configuration nor a variable of the environment: ` +
            `set it, or write \${?${name}} behind a default`,
    );
  }

  #variable(name: string): string | undefined {
    return Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
  }

  #lookupAlias(path: readonly string[], depth: number): HoconValue | undefined {
    const [first = '', ...rest] = path;
    const alias = ALIASES[first];
    return alias === undefined ? undefined : this.#lookup(this.#root, [alias, ...rest], depth);
  }

  /** What stands at `path` below `value`, without resolving more than the way there. */
  #lookup(value: HoconValue | undefined, path: readonly string[], depth: number): HoconValue | undefined {
    if (value === undefined) return undefined;
    this.#step(value, depth);
    const entered = this.#active.get(value);
    if (value.kind === 'layers') {
      // `a { b = ${a.c} }`: from inside of a section another key of it is looked for, whatever comes later in the file
      // included. Only what stands for the whole key means what the key held before.
      const isWhole = entered === undefined || (path.length > 0 && this.#sections > entered.sections);
      return this.#lookupLayers(isWhole ? value : lower(value, entered.index), path, depth);
    }
    // It refers to itself, and there is nothing before it. Another key of a merged section may be looked for.
    if (entered !== undefined && !(value.kind === 'concatenation' && path.length > 0)) return undefined;
    const [key, ...rest] = path;
    if (key === undefined) return value;
    if (value.kind === 'object') return this.#lookup(value.fields.get(key), rest, depth + 1);
    if (value.kind === 'list')
      return this.#lookup(value.items[/^\d+$/.test(key) ? Number(key) : -1], rest, depth + 1);
    if (value.kind === 'substitution') {
      const target = value.paths
        .map((one) => this.#within(value, 0, () => this.#lookup(this.#root, one, depth + 1)))
        .find((found) => found !== undefined);
      return this.#lookup(target, path, depth + 1);
    }
    if (value.kind !== 'concatenation') return undefined;
    const parts = value.parts.filter((part): part is HoconValue => part.kind !== 'space');
    return this.#stack(parts.map((part) => this.#lookup(part, path, depth + 1)));
  }

  #lookupLayers(
    value: HoconValue | undefined,
    path: readonly string[],
    depth: number,
  ): HoconValue | undefined {
    if (value?.kind !== 'layers') return this.#lookup(value, path, depth + 1);
    if (path.length === 0) return value;
    return this.#stack(value.layers.map((layer) => this.#lookup(layer, path, depth + 1)));
  }

  #stack(found: readonly (HoconValue | undefined)[]): HoconValue | undefined {
    const layers = found.filter((value) => value !== undefined);
    const top = layers.at(-1);
    return layers.length < 2 || top === undefined ? top : { kind: 'layers', layers, place: top.place };
  }

  #step(value: HoconValue, depth: number): void {
    if (++this.#steps > MAX_STEPS)
      throw new HoconError(
        value.place,
        `more than ${MAX_STEPS} steps are needed to put in the substitutions`,
      );
    if (depth > MAX_DEPTH) throw new HoconError(value.place, CYCLE);
  }

  #isActive(path: readonly string[]): boolean {
    let value: HoconValue | undefined = this.#root;
    for (const key of path) value = value?.kind === 'object' ? value.fields.get(key) : undefined;
    return value !== undefined && this.#active.has(value);
  }

  #within<T>(value: HoconValue, index: number, action: () => T): T {
    const before = this.#active.get(value);
    this.#active.set(value, { index, sections: this.#sections });
    try {
      return action();
    } finally {
      if (before === undefined) this.#active.delete(value);
      else this.#active.set(value, before);
    }
  }
}

const CYCLE = 'Cycle detected: this substitution needs itself, by whatever way';
const NAMES = { scalar: 'a text', object: 'a section', list: 'a list' } as const;

/** The layers below `index`. */
function lower(value: HoconLayers, index: number): HoconValue | undefined {
  const layers = value.layers.slice(0, index);
  if (layers.length < 2) return layers[0];
  return { kind: 'layers', layers, whole: value.whole ?? value, place: value.place };
}

function mergedObjects(
  below: Resolved & { kind: 'object' },
  above: Resolved & { kind: 'object' },
): Resolved & { kind: 'object' } {
  const fields = new Map(below.fields);
  for (const [key, value] of above.fields) {
    const under = fields.get(key);
    const both = under?.kind === 'object' && value.kind === 'object';
    fields.set(key, both ? mergedObjects(under, value) : value);
  }
  return { kind: 'object', fields, place: above.place };
}

/** A section whose keys are all numbers, as variables and `.properties` make it, as the list it stands for. */
function asList(value: Resolved): Resolved {
  if (value.kind !== 'object') return value;
  const keys = [...value.fields.keys()];
  if (keys.length === 0 || !keys.every((key) => /^(?:0|[1-9]\d{0,8})$/.test(key))) return value;
  const sorted = [...value.fields].sort(([a], [b]) => Number(a) - Number(b));
  return { kind: 'list', items: sorted.map(([, item]) => item), place: value.place };
}

function textOf(value: Resolved): string {
  return value.kind === 'scalar' ? value.text : '';
}
