import {
  type Evaluation,
  FAILED_PATH,
  type Match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/**
 * A regular expression over the rest of the path, its decoded segments joined with `/`. It must fit from the start and
 * end at a border of segments; what it covers is taken. A leading slash counts when the expression begins with one.
 * Named groups become parameters, `''` for those that took no part. Equal to no other selector.
 */
export class RegexSelector implements RouteSelector {
  readonly id = undefined;
  readonly isPath = true;
  readonly #regex: RegExp;
  readonly #source: string;
  readonly #prefix: string;
  readonly #endsWithSlash: boolean;

  constructor(regex: RegExp) {
    this.#source = regex.source.replaceAll('\\/', '/');
    // Sticky, so that it is tried at the start only.
    this.#regex = new RegExp(regex.source, `${regex.flags.replace(/[gy]/g, '')}y`);
    this.#prefix = /^\^?\//.test(this.#source) ? '/' : '';
    this.#endsWithSlash = /\/\$?$/.test(this.#source);
  }

  evaluate({ segments, ignoresTrailingSlash }: ResolveSubject, segmentIndex: number): Evaluation {
    const suffix = this.#endsWithSlash && ignoresTrailingSlash ? '/' : '';
    const text = this.#prefix + segments.slice(segmentIndex).join('/') + suffix;
    this.#regex.lastIndex = 0;
    const found = this.#regex.exec(text);
    if (found === null) return FAILED_PATH;
    const covered = this.#segmentsUpTo(found[0].length, text.length, segments, segmentIndex);
    if (covered === undefined) return FAILED_PATH;
    return {
      isMatch: true,
      quality: Quality.CONSTANT,
      segmentIncrement: covered,
      parameters: parametersOf(found.groups),
    };
  }

  toString(): string {
    return `Regex(${this.#source})`;
  }

  /** How many segments end at or right before `end`; undefined within a segment. A decoded `%2F` is no border. */
  #segmentsUpTo(
    end: number,
    length: number,
    segments: readonly string[],
    segmentIndex: number,
  ): number | undefined {
    if (end === length) return segments.length - segmentIndex;
    let border = this.#prefix.length;
    if (end === border && border > 0) return 0;
    for (let i = segmentIndex; i < segments.length && border <= end; i++) {
      border += (segments[i] as string).length;
      if (end === border || end === border + 1) return i - segmentIndex + 1;
      border++;
    }
    return undefined;
  }
}

function parametersOf(groups: Readonly<Record<string, string | undefined>> | undefined): Match['parameters'] {
  if (groups === undefined) return undefined;
  return Object.entries(groups).map(([name, value]) => [name, [value ?? '']]);
}
