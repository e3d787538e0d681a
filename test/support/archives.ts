import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { ZipFile } from 'yazl';

/** Files by relative path, as bytes. */
export type Files = ReadonlyMap<string, Buffer>;

export function filesOf(content: Readonly<Record<string, string>>): Files {
  return new Map(Object.entries(content).map(([name, text]) => [name, Buffer.from(text)]));
}

/** A well-formed zip. */
export async function zipOf(files: Files): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, bytes] of files) zip.addBuffer(bytes, name);
  zip.end();
  return await buffer(zip.outputStream);
}

/** A well-formed gzipped tar as `npm pack` makes it: everything below `package/`. */
export async function tgzOf(files: Files, prefix = 'package/'): Promise<Buffer> {
  const tar = pack();
  for (const [name, bytes] of files) tar.entry({ name: `${prefix}${name}` }, bytes);
  tar.finalize();
  return await buffer(tar.pipe(createGzip()));
}
