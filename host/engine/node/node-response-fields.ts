import { asksToClose } from '../../connector/connection-tokens.js';
import { contentLengthAt } from '../../connector/field-kind.js';
import { FieldBlock, type Fields } from '../../http/field-block.js';
import { lowerCaseName } from '../../http/lower-case.js';

/** Fields of a response as `node:http` takes them; what the engine itself writes is taken out. */
export interface NodeResponseFields {
  /** `name, value, …` without framing and connection fields. */
  readonly flat: string[];
  /** Content-Length among the fields, -1 without one. */
  readonly contentLength: number;
  /** `Connection: close` was among them. */
  readonly asksClose: boolean;
}

/** Fields of framing and of the connection, which the engine writes itself; names in lower case. */
export const ENGINE_FIELDS: readonly string[] = [
  'content-length',
  'connection',
  'transfer-encoding',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
];

/** Lengths of the names that are looked at; others are passed on as they are. */
const KNOWN_LENGTHS: ReadonlySet<number> = new Set(ENGINE_FIELDS.map((name) => name.length));

/** Undefined when there are two lengths, or one that is no number. Names and values are checked by `node:http`. */
export function nodeResponseFields(fields: Fields, keepsUpgrade: boolean): NodeResponseFields | undefined {
  const all = fields instanceof FieldBlock ? fields.flat() : fields;
  const flat: string[] = [];
  let contentLength = -1;
  let asksClose = false;
  for (let i = 0; i + 1 < all.length; i += 2) {
    const name = all[i] as string;
    const value = all[i + 1] as string;
    switch (KNOWN_LENGTHS.has(name.length) ? lowerCaseName(name) : '') {
      case 'content-length': {
        const length = readContentLength(value);
        // RFC 9110 §8.6: one, of digits only.
        if (contentLength >= 0 || length === undefined) return undefined;
        contentLength = length;
        continue;
      }
      case 'connection':
        asksClose ||= asksToClose(value);
        continue;
      case 'transfer-encoding':
      case 'keep-alive':
      case 'proxy-connection':
      case 'te':
        continue;
      case 'upgrade':
        if (!keepsUpgrade) continue;
        break;
      default:
        break;
    }
    flat.push(name, value);
  }
  return { flat, contentLength, asksClose };
}

/** The length that a Content-Length names; undefined when it is no length. */
export function readContentLength(value: string): number | undefined {
  const bytes = Buffer.from(value, 'latin1');
  const length = contentLengthAt(bytes, 0, bytes.length);
  return length < 0 ? undefined : length;
}

/** Names with their values, as Node takes them for interim responses and trailers. */
export function pairsOf(fields: Fields): (readonly [string, string])[] {
  const flat = fields instanceof FieldBlock ? fields.flat() : fields;
  const pairs: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i] as string, flat[i + 1] as string]);
  return pairs;
}
