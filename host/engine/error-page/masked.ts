/** Names of fields and parameters whose values are secrets of the client. */
const SECRET =
  /auth|cookie|token|secret|passw|pwd|api-?key|session|csrf|xsrf|credential|signature|assertion|jwt|otp|^(?:key|sig|code|sid)$/i;
const MASK = '••••';

/**
 * The value as a page may show it: secrets are masked by the name they stand under. A value that is a URL, such as that
 * of Referer, may hold them in its query.
 */
export function maskedValue(name: string, value: string): string {
  if (SECRET.test(name)) return MASK;
  const query = value.indexOf('?');
  return query < 0 ? value : `${value.slice(0, query + 1)}${maskedQuery(value.slice(query + 1))}`;
}

/** A query with the values of secret parameters masked; the rest as it was sent. */
export function maskedQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 0) return pair;
      const name = pair.slice(0, equals);
      return SECRET.test(decoded(name)) ? `${name}=${MASK}` : pair;
    })
    .join('&');
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // Not encoded as it should be: taken as it stands.
    return name;
  }
}
