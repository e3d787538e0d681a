import {
  type Evaluation,
  FAILED_PATH,
  MATCHED_CONSTANT,
  MATCHED_SEGMENT,
  MATCHED_TRANSPARENT,
  MATCHED_WILDCARD,
  MISSING,
  MISSING_AT_SLASH,
  match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** One segment, equal to a text. */
export class ConstantSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = true;
  readonly value: string;

  constructor(value: string) {
    this.value = value;
    this.id = `const:${value}`;
  }

  evaluate({ segments }: ResolveSubject, segmentIndex: number): Evaluation {
    return segments[segmentIndex] === this.value ? MATCHED_SEGMENT : FAILED_PATH;
  }

  toString(): string {
    return this.value;
  }
}

/** A segment, or the part of it between prefix and suffix, that becomes a parameter. */
abstract class SegmentParameter implements RouteSelector {
  readonly id: string;
  readonly isPath = true;
  readonly bestQuality: number;
  readonly name: string;
  readonly prefix: string | undefined;
  readonly suffix: string | undefined;

  constructor(kind: 'param' | 'optional', name: string, prefix?: string, suffix?: string) {
    this.name = name;
    this.prefix = prefix;
    this.suffix = suffix;
    this.bestQuality =
      prefix === undefined && suffix === undefined
        ? Quality.PARAMETER
        : Quality.PARAMETER_WITH_PREFIX_OR_SUFFIX;
    this.id = `${kind}:${JSON.stringify([name, prefix, suffix])}`;
  }

  abstract evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation;

  /** Undefined when prefix and suffix do not fit. */
  protected matchIn(segment: string): Evaluation | undefined {
    const { name, prefix = '', suffix = '', bestQuality } = this;
    if (bestQuality === Quality.PARAMETER) return match(Quality.PARAMETER, 1, name, [segment]);
    if (segment.length < prefix.length + suffix.length) return undefined;
    if (!segment.startsWith(prefix) || !segment.endsWith(suffix)) return undefined;
    const value = segment.slice(prefix.length, segment.length - suffix.length);
    return match(Quality.PARAMETER_WITH_PREFIX_OR_SUFFIX, 1, name, [value]);
  }
}

/** One segment that is not empty. */
export class ParameterSelector extends SegmentParameter {
  constructor(name: string, prefix?: string, suffix?: string) {
    super('param', name, prefix, suffix);
  }

  override evaluate({ segments }: ResolveSubject, segmentIndex: number): Evaluation {
    const segment = segments[segmentIndex];
    return segment === undefined || segment === '' ? FAILED_PATH : (this.matchIn(segment) ?? FAILED_PATH);
  }

  override toString(): string {
    return `${this.prefix ?? ''}{${this.name}}${this.suffix ?? ''}`;
  }
}

/** As a parameter, but matches also when the segment is missing or does not fit. */
export class OptionalParameterSelector extends SegmentParameter {
  constructor(name: string, prefix?: string, suffix?: string) {
    super('optional', name, prefix, suffix);
  }

  override evaluate({ segments }: ResolveSubject, segmentIndex: number): Evaluation {
    const segment = segments[segmentIndex];
    if (segment === undefined) return MISSING;
    if (segment === '') return segmentIndex === segments.length - 1 ? MISSING_AT_SLASH : MISSING;
    return this.matchIn(segment) ?? MISSING;
  }

  override toString(): string {
    return `${this.prefix ?? ''}{${this.name}?}${this.suffix ?? ''}`;
  }
}

/** Any one segment that is not empty: `*`. */
export class WildcardSelector implements RouteSelector {
  readonly id = 'wildcard';
  readonly isPath = true;
  readonly bestQuality = Quality.WILDCARD;

  evaluate({ segments }: ResolveSubject, segmentIndex: number): Evaluation {
    const segment = segments[segmentIndex];
    return segment === undefined || segment === '' ? FAILED_PATH : MATCHED_WILDCARD;
  }

  toString(): string {
    return '*';
  }
}

/** All segments that are left, also none: `{rest...}`; `{...}` without a name. */
export class TailcardSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = true;
  readonly bestQuality = Quality.MISSING;
  readonly name: string;
  readonly prefix: string;

  constructor(name: string, prefix = '') {
    this.name = name;
    this.prefix = prefix;
    this.id = `tailcard:${JSON.stringify([name, prefix])}`;
  }

  evaluate({ segments }: ResolveSubject, segmentIndex: number): Evaluation {
    const { name, prefix } = this;
    const first = segments[segmentIndex];
    if (prefix !== '' && (first === undefined || !first.startsWith(prefix))) return FAILED_PATH;
    const left = segments.length - segmentIndex;
    const quality = left > 0 ? Quality.TAILCARD : Quality.MISSING;
    if (name === '') return match(quality, left);
    const values = segments.slice(segmentIndex);
    if (first !== undefined && prefix !== '') values[0] = first.slice(prefix.length);
    return match(quality, left, name, values);
  }

  toString(): string {
    // The name is left out, as in all texts of routes.
    return '{...}';
  }
}

/** A slash at the end of the path. */
export class TrailingSlashSelector implements RouteSelector {
  readonly id = 'slash';
  readonly isPath = true;

  evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation {
    const { segments } = subject;
    if (subject.ignoresTrailingSlash) return MATCHED_TRANSPARENT;
    if (segments.length === 0) return MATCHED_CONSTANT;
    if (segmentIndex > segments.length - 1) return FAILED_PATH;
    if (segmentIndex < segments.length - 1 || segments[segmentIndex] !== '') return MATCHED_TRANSPARENT;
    return MATCHED_SEGMENT;
  }

  toString(): string {
    return '<slash>';
  }
}
