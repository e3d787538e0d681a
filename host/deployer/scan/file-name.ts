import { isIgnoredFileName, splitFileName } from '../../bundle/context-name.js';

/** What an entry of the drop folder is by its name and type alone. */
export type EntryRole =
  | { readonly role: 'folder' | 'archive' | 'descriptor' | 'marker'; readonly name: string }
  /** Not meant for the deployer; passed over in silence. */
  | { readonly role: 'none' }
  /** Looks like something for the deployer, but is not. */
  | { readonly role: 'misfit'; readonly reason: string };

/** Archive endings in order of precedence, should one name have several. */
export const ARCHIVE_ENDINGS: readonly string[] = ['.tgz', '.tar.gz', '.zip'];
/** Folders that are never applications and need no word: Node's, the file system's, the servlet world's. */
const PASSED_OVER = new Set(['node_modules', 'lost+found', 'META-INF', 'WEB-INF']);

/**
 * Tells what an entry is. Hidden files, work files of editors and copy programs, and files with other endings
 * (`README.md`) are passed over.
 */
export function roleOf(entry: string, type: 'folder' | 'file' | 'other'): EntryRole {
  if (isIgnoredFileName(entry) || PASSED_OVER.has(entry)) return { role: 'none' };
  if (entry.toLowerCase().endsWith('.war')) {
    return misfit('Java archives cannot be run here; drop a folder, .tgz, .tar.gz or .zip');
  }
  const { kind, baseName } = splitFileName(entry);
  if (kind === 'other') return type === 'folder' ? { role: 'folder', name: entry } : { role: 'none' };
  if (type === 'folder') return misfit('a folder must not have the ending of a file; rename it');
  if (type === 'other') return misfit('it is neither a file nor a folder');
  return { role: kind === 'ready-marker' ? 'marker' : kind, name: baseName };
}

function misfit(reason: string): EntryRole {
  return { role: 'misfit', reason };
}
