/**
 * The code of an error of the system or of a library of Node, such as `ENOENT` or `Z_BUF_ERROR`; undefined for anything
 * else. Looks at the shape, not at the class: the error may come from another realm.
 */
export function systemCodeOf(error: unknown): string | undefined {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The path a system error is about; undefined when it names none. */
export function systemPathOf(error: unknown): string | undefined {
  const path: unknown =
    typeof error === 'object' && error !== null && 'path' in error ? error.path : undefined;
  return typeof path === 'string' ? path : undefined;
}
