/**
 * Makes components that somebody else chose into a relative path that is safe on every file system: never climbs above
 * its start, has no separators, controls, wildcards, drive letters or names of devices, no spaces or dots at the end.
 * For names of uploads; files that exist are looked up by their exact names instead.
 */
export function normalizePathComponents(components: readonly string[]): readonly string[] {
  const path: string[] = [];
  for (const component of components) {
    if (component === '..') {
      path.pop();
      continue;
    }
    const name = component.replace(FORBIDDEN, '').replace(/[. ]+$/, '');
    if (name !== '' && name !== '~' && !DEVICE.test(name)) path.push(name);
  }
  return path;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
const FORBIDDEN = /[\u0000-\u001f\\/:*?"<>|]/g;
const DEVICE = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])$/i;
