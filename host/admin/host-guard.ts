/**
 * Whether a Host field names this machine or a name the operator allows. A page in a browser that has its own name
 * resolve to 127.0.0.1 (DNS rebinding) sends its own name, and is refused.
 */
export function isAllowedHost(field: string | undefined, allowed: readonly string[]): boolean {
  const name = hostName(field);
  if (name === undefined) return false;
  return name === 'localhost' || name === '[::1]' || isLoopbackAddress(name) || allowed.includes(name);
}

/** Host name in lower case without port and closing dot; undefined when the field is no host. */
function hostName(field: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::\d{1,5})?$/i.exec(field ?? '');
  return match?.[1]?.toLowerCase();
}

function isLoopbackAddress(name: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
