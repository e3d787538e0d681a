/** Where something stands in the text, both counted from 1. */
export interface HoconPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A value as it was written, before substitutions are put in. */
export type HoconValue =
  | HoconScalar
  | HoconObject
  | HoconList
  | HoconSubstitution
  | HoconConcatenation
  | HoconLayers
  | HoconPrevious;

/** Text, number, truth value or null; `text` is what it is within a longer text. */
export interface HoconScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly text: string;
  readonly place: HoconPlace;
}

/** Keys and values. The parser fills `fields`; nobody changes it afterwards. */
export interface HoconObject {
  readonly kind: 'object';
  readonly fields: Map<string, HoconValue>;
  readonly place: HoconPlace;
}

export interface HoconList {
  readonly kind: 'list';
  readonly items: HoconValue[];
  readonly place: HoconPlace;
}

/** `${a.b}`, `${?a.b}`, `${?NAME[]}`. */
export interface HoconSubstitution {
  readonly kind: 'substitution';
  /** Where to look, best first: within an included file below the place of the include, then from the root. */
  readonly paths: readonly (readonly string[])[];
  readonly isOptional: boolean;
  /** `[]`: variables `NAME_0`, `NAME_1` … of the environment. */
  readonly isList: boolean;
  readonly place: HoconPlace;
}

/** Values side by side: text is joined, lists appended, objects merged. Blank space between texts counts. */
export interface HoconConcatenation {
  readonly kind: 'concatenation';
  readonly parts: readonly (HoconValue | { readonly kind: 'space'; readonly text: string })[];
  readonly place: HoconPlace;
}

/** One key assigned several times, where what counts is known only when substitutions are; the last one is on top. */
export interface HoconLayers {
  readonly kind: 'layers';
  readonly layers: HoconValue[];
  /** The layers of the key of which these are the lower ones. */
  readonly whole?: HoconLayers;
  readonly place: HoconPlace;
}

/** What the key held before this assignment: the left part of `+=`. */
export interface HoconPrevious {
  readonly kind: 'previous';
  readonly place: HoconPlace;
}

/**
 * Assigns a key, once more where it has a value (HOCON: duplicate keys and object merging). Changes what `object`
 * holds in place: a value belongs to one key, and files with very many assignments stay linear.
 */
export function assign(object: HoconObject, key: string, value: HoconValue): void {
  const before = object.fields.get(key);
  if (before === undefined || value.kind === 'scalar') object.fields.set(key, value);
  else if (before.kind === 'object' && value.kind === 'object') {
    for (const [inner, field] of value.fields) assign(before, inner, field);
  } else if (before.kind === 'layers') before.layers.push(value);
  else object.fields.set(key, appended(before, value) ?? layersOf(before, value));
}

/** `+=` on a list or behind another `+=`, which needs no substitution to be known. */
function appended(before: HoconValue, value: HoconValue): HoconValue | undefined {
  const added = appendedList(value);
  const list = before.kind === 'list' ? before : appendedList(before);
  if (added === undefined || list === undefined) return undefined;
  list.items.push(...added.items);
  return before;
}

/** The right part of a value that was written with `+=`. */
function appendedList(value: HoconValue): HoconList | undefined {
  if (value.kind !== 'concatenation') return undefined;
  const [previous, list] = value.parts;
  return previous?.kind === 'previous' && list?.kind === 'list' ? list : undefined;
}

function layersOf(before: HoconValue, value: HoconValue): HoconLayers {
  return { kind: 'layers', layers: [before, value], place: value.place };
}
