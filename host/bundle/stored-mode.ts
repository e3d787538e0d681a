/**
 * The rights of a file of a bundle in the store. Installed packages are shared by all instances and versions with this content, so
 * nobody may write into their files; root can all the same. Everything else is copied before it is used.
 *
 * @param path in the bundle, with slashes
 */
export function storedMode(path: string, mode: number): number {
  const rights = (mode & 0o755) | 0o600;
  return /(?:^|\/)node_modules\//.test(path) ? rights & ~0o222 : rights;
}
