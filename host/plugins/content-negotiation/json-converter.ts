import { APPLICATION_JSON, TextContent } from '../../application/outgoing-content.js';
import { messageOf } from '../../errors.js';
import { ContentConvertError, type ContentConverter } from './converter.js';

/** How JSON is written and read. */
export interface JsonOptions {
  /** Blanks of indentation. Default 0: all in one line. */
  readonly space?: number;
  /** As for `JSON.stringify`. */
  readonly replacer?: (key: string, value: unknown) => unknown;
  /** As for `JSON.parse`. */
  readonly reviver?: (key: string, value: unknown) => unknown;
}

/** JSON by what JavaScript has. RFC 8259 §8.1: always sent as UTF-8. */
export function jsonConverter({ space, replacer, reviver }: JsonOptions): ContentConverter {
  return {
    serialize({ value, contentType }) {
      const json = JSON.stringify(value, replacer, space) as string | undefined;
      if (json === undefined) return undefined;
      const { essence } = contentType;
      return new TextContent(json, essence === APPLICATION_JSON ? APPLICATION_JSON : contentType.toString());
    },
    async deserialize(context) {
      const text = await context.text();
      try {
        return JSON.parse(text, reviver) as unknown;
      } catch (cause) {
        throw new ContentConvertError(`The body is not JSON: ${messageOf(cause)}.`, { cause });
      }
    },
  };
}
