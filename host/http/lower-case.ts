/** So many names are remembered; a program uses a few dozen, and clients must not fill the memory with theirs. */
const MAX_NAMES = 1000;
const MAX_LENGTH = 64;
const LOWER = new Map<string, string>();

/** The name of a field in lower case. Remembered: programs ask for the same names with every request. */
export function lowerCaseName(name: string): string {
  const known = LOWER.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  if (LOWER.size < MAX_NAMES && name.length <= MAX_LENGTH) LOWER.set(name, lower);
  return lower;
}
