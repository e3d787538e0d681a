import type { AnyPathParameters } from '../application/application-call.js';

/**
 * Parameters of a path pattern as a type: `'/users/{id}/{tab?}/{rest...}'` gives
 * `{ readonly id: string; readonly tab?: string; readonly rest: readonly string[] }`. A pattern that is only known as
 * `string` gives `AnyPathParameters`; a regular expression a text for every name.
 */
export type PathParameters<Pattern extends string | RegExp> = Pattern extends string
  ? string extends Pattern
    ? AnyPathParameters
    : Flat<PiecesOf<Pattern>>
  : GroupParameters;

/** Parameters of a route inside another one. */
export type NestedParameters<Outer, Pattern extends string | RegExp> = Pattern extends string
  ? string extends Pattern
    ? Outer & AnyPathParameters
    : Flat<Outer & PiecesOf<Pattern>>
  : Outer & GroupParameters;

/** One more parameter that is there, such as that of `Route.param`. */
export type WithParameter<Outer, Name extends string> = Flat<Outer & { readonly [key in Name]: string }>;

/** One more parameter that may be there. */
export type WithOptionalParameter<Outer, Name extends string> = Flat<
  Outer & { readonly [key in Name]?: string }
>;

/** Named groups of a regular expression; one that took no part is `''`. */
export interface GroupParameters {
  readonly [name: string]: string;
}

type PiecesOf<Pattern extends string> = Pattern extends `${infer Piece}/${infer Rest}`
  ? PieceOf<Piece> & PiecesOf<Rest>
  : PieceOf<Pattern>;

type PieceOf<Piece extends string> = Piece extends `${string}{${infer Inner}}${string}`
  ? Named<Inner>
  : unknown;

type Named<Inner extends string> = Inner extends `${infer Name}...`
  ? Name extends ''
    ? unknown
    : { readonly [key in Name]: readonly string[] }
  : Inner extends `${infer Name}?`
    ? { readonly [key in Name]?: string }
    : { readonly [key in Inner]: string };

/** One object instead of an intersection, for readable messages. */
type Flat<T> = { [key in keyof T]: T[key] };
