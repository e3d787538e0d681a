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
  readonly items: readonly HoconValue[];
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
  readonly layers: readonly HoconValue[];
  /** The layers of the key of which these are the lower ones. */
  readonly whole?: HoconLayers;
  readonly place: HoconPlace;
}

/** What the key held before this assignment: the left part of `+=`. */
export interface HoconPrevious {
  readonly kind: 'previous';
  readonly place: HoconPlace;
}

/** The value of a key that is assigned once more (HOCON: duplicate keys and object merging). */
export function assign(object: HoconObject, key: string, value: HoconValue): void {
  const before = object.fields.get(key);
  object.fields.set(key, before === undefined ? value : overlaid(before, value));
}

function overlaid(before: HoconValue, value: HoconValue): HoconValue {
  if (value.kind === 'object' && before.kind === 'object') {
    const merged: HoconObject = { kind: 'object', fields: new Map(before.fields), place: value.place };
    for (const [key, field] of value.fields) assign(merged, key, field);
    return merged;
  }
  if (value.kind === 'scalar') return value;
  const below = before.kind === 'layers' ? before.layers : [before];
  return { kind: 'layers', layers: [...below, value], place: value.place };
}
