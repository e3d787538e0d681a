import { stat } from 'node:fs/promises';
import { messageOf } from '../../errors.js';

/** Changes with every file: links that lead elsewhere, contents, files that come and go. Reads none of them. */
export async function signatureOf(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map(async (file) => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(file);
        return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      } catch (error) {
        return messageOf(error);
      }
    }),
  );
  return parts.join('\n');
}
