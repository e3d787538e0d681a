/** Base64 of UTF-8 as text; undefined when it is no base64 (RFC 4648 §4, padding needed), or no UTF-8. */
export function decodeBase64Text(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  const value = bytes.toString('utf8');
  return Buffer.from(value).equals(bytes) ? value : undefined;
}
