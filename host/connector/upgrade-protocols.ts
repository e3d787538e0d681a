/** Longest list of protocols; the exchange protocol has one byte for its length. */
const MAX_BYTES = 255;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PROTOCOL = `${TOKEN}(?:/${TOKEN})?`;
const PROTOCOLS = new RegExp(`^${PROTOCOL}(?:[ \\t]*,[ \\t]*${PROTOCOL})*$`);

/** Whether the value of an Upgrade field is a list of protocols with or without versions (RFC 9110 §7.8). */
export function isProtocolList(value: string): boolean {
  return value.length <= MAX_BYTES && PROTOCOLS.test(value);
}
