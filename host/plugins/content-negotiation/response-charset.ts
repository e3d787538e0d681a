import { isAscii } from 'node:buffer';
import { parseByQuality } from '../../http/header-value.js';

/** Charsets that Node can write, by their names in lower case. */
const ENCODINGS: Readonly<Record<string, BufferEncoding>> = {
  'utf-8': 'utf8',
  'iso-8859-1': 'latin1',
  'us-ascii': 'latin1',
  'utf-16le': 'utf16le',
};

/** The charset that Accept-Charset likes best of those that can be written; `UTF-8` without one. */
export function responseCharset(acceptCharset: string | undefined): string {
  for (const { value, quality } of parseByQuality(acceptCharset)) {
    if (quality === 0) continue;
    if (value === '*') return 'UTF-8';
    if (ENCODINGS[value.toLowerCase()] !== undefined) return value;
  }
  return 'UTF-8';
}

/** The text in a charset; undefined when it has characters that the charset does not. */
export function encodeText(text: string, charset: string): Buffer | undefined {
  const lower = charset.toLowerCase();
  const encoding = ENCODINGS[lower] ?? 'utf8';
  const bytes = Buffer.from(text, encoding);
  if (encoding !== 'latin1') return bytes;
  if (lower === 'us-ascii' && !isAscii(bytes)) return undefined;
  return bytes.toString('latin1') === text ? bytes : undefined;
}
