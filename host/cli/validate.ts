import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expandArchive } from '../bundle/archive.js';
import { isIgnoredFileName, parseContextName, printable, splitFileName } from '../bundle/context-name.js';
import { readManifest } from '../bundle/read-manifest.js';
import type { HostConfig } from '../config/host-config.js';
import { messageOf, PorticoError } from '../errors.js';
import { type BaseOptions, configOf } from './base-options.js';

/** `portico validate`: checks `host.yaml` and every bundle in the drop folder. Starts nothing, changes nothing. */
export async function validate(options: BaseOptions): Promise<void> {
  const config = configOf(options);
  process.stdout.write(`ok    ${config.file ?? 'configuration: defaults'}\n`);
  let failures = 0;
  for (const fileName of await bundlesIn(config.folders.apps)) {
    try {
      const what = await check(join(config.folders.apps, fileName), fileName, config);
      process.stdout.write(`ok    ${printable(fileName)}: ${what}\n`);
    } catch (error) {
      failures += 1;
      process.stdout.write(`wrong ${printable(fileName)}: ${messageOf(error)}\n`);
    }
  }
  if (failures > 0) {
    const bundles = failures === 1 ? '1 bundle is' : `${failures} bundles are`;
    throw new PorticoError('PORTICO_VALIDATION_FAILED', `${bundles} not deployable, see above.`);
  }
}

async function bundlesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !isIgnoredFileName(name)).sort();
  } catch (cause) {
    throw new PorticoError('PORTICO_VALIDATION_FAILED', `Cannot read the drop folder ${folder}.`, { cause });
  }
}

/** What the bundle is, in words; throws what is wrong with it. */
async function check(path: string, fileName: string, config: HostConfig): Promise<string> {
  const isFolder = (await stat(path)).isDirectory();
  const { baseName, kind } = isFolder ? { baseName: fileName, kind: 'folder' } : splitFileName(fileName);
  if (kind === 'other' || kind === 'ready-marker' || kind === 'descriptor') return `not a bundle (${kind})`;
  const named = parseContextName(baseName);
  if (!named.ok) throw new PorticoError('PORTICO_NAME_REFUSED', named.reason);
  const descriptor = join(config.folders.apps, `${baseName}.yaml`);
  const operatorDescriptor = await stat(descriptor).then(
    () => descriptor,
    () => undefined,
  );
  const source = { operatorDescriptor, defaults: config.applications };
  if (kind === 'folder')
    return describe(named.value.contextPath, await readManifest({ folder: path, ...source }));
  const folder = await mkdtemp(join(tmpdir(), 'portico-validate-'));
  try {
    await expandArchive(path, join(folder, 'bundle'), config.archives);
    return describe(
      named.value.contextPath,
      await readManifest({ folder: join(folder, 'bundle'), ...source }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function describe(contextPath: string, manifest: Awaited<ReturnType<typeof readManifest>>): string {
  const notes = manifest.notes.map((note) => `; note: ${note}`).join('');
  return `${manifest.entry.kind} at ${manifest.contextPath ?? (contextPath || '/')}${notes}`;
}
