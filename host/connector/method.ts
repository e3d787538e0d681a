/** Longest method; longer ones get 501. */
export const MAX_METHOD_BYTES = 32;

/** The method at `start` to `end`: one shared string for the common ones, a new one otherwise. Case is kept. */
export function methodAt(bytes: Buffer, start: number, end: number): string {
  const candidate = COMMON[bytes[start] as number];
  if (candidate !== undefined) {
    for (const method of candidate) if (equals(bytes, start, end, method)) return method;
  }
  return bytes.toString('latin1', start, end);
}

/** Common methods by their first byte. */
const COMMON: (readonly string[] | undefined)[] = [];
for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']) {
  const first = method.charCodeAt(0);
  COMMON[first] = [...(COMMON[first] ?? []), method];
}

function equals(bytes: Buffer, start: number, end: number, method: string): boolean {
  if (end - start !== method.length) return false;
  for (let i = 0; i < method.length; i++) if (bytes[start + i] !== method.charCodeAt(i)) return false;
  return true;
}
