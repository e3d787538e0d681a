/** Names of fields and parameters whose values are secrets of the client. */
const SECRET = /auth|cookie|token|secret|passw|api-?key|session|csrf|credential|signature/i;
const MASK = '••••';

/** The value as a page may show it: secrets are masked by the name they stand under. */
export function maskedValue(name: string, value: string): string {
  return SECRET.test(name) ? MASK : value;
}

/** A query with the values of secret parameters masked; the rest as it was sent. */
export function maskedQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals >= 0 && SECRET.test(pair.slice(0, equals)) ? `${pair.slice(0, equals)}=${MASK}` : pair;
    })
    .join('&');
}
