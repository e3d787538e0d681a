import type { ConnectorLimits } from '../config/connector-limits.js';
import { FieldBlock } from '../http/field-block.js';
import { FieldSectionParser, type Parsed } from './field-section-parser.js';

/** Reads the trailer section of a chunked body; drops fields that must not stand there (RFC 9110 §6.5.1). */
export class TrailerParser extends FieldSectionParser {
  private readonly maxBytes: number;
  private offsets: number[] = [];

  constructor(limits: ConnectorLimits) {
    super(limits.maxHeaderCount, 'trailers-too-large');
    this.maxBytes = limits.maxHeaderBytes;
  }

  /** Parses the section that begins at `start`; the received bytes end at `length`. */
  parse(bytes: Buffer, start: number, length: number): Parsed {
    this.offsets = [];
    return this.parseFields(bytes, start, length, start + this.maxBytes);
  }

  /** The fields of the section parsed last; undefined when none is left. */
  fields(bytes: Buffer): FieldBlock | undefined {
    return this.offsets.length === 0 ? undefined : new FieldBlock(bytes, this.offsets);
  }

  protected override onField(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    const name = bytes.toString('latin1', nameStart, nameEnd).toLowerCase();
    if (!isForbiddenTrailer(name)) this.offsets.push(nameStart, nameEnd, valueStart, valueEnd);
    return true;
  }
}

/**
 * Fields for framing, routing, authentication, request control and content format: an application that merges
 * trailers into the headers must not find one of these behind the body, nor with `_` for `-`, which servers that make
 * variables of the names cannot tell apart. `name` is in lower case.
 */
export function isForbiddenTrailer(name: string): boolean {
  const hyphened = name.includes('_') ? name.replaceAll('_', '-') : name;
  return FORBIDDEN.has(hyphened) || FORBIDDEN_BEGIN.test(hyphened);
}

const FORBIDDEN_BEGIN = /^(?:client-cert|content-|if-|portico-|proxy-|sec-|x-forwarded-|x-http-method|:)/;

const FORBIDDEN = new Set([
  'age',
  'authorization',
  'cache-control',
  'connection',
  'cookie',
  'date',
  'expect',
  'expires',
  'forwarded',
  'host',
  'keep-alive',
  'location',
  'max-forwards',
  'origin',
  'pragma',
  'range',
  'retry-after',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'via',
  'warning',
  'www-authenticate',
  'x-real-ip',
]);
