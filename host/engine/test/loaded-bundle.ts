import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Module } from '../../application/application.js';
import type { Manifest } from '../../bundle/manifest.js';
import type { ArchiveLimits } from '../../config/host-config.js';
import { PorticoError } from '../../errors.js';

/** A snapshot of a bundle with its modules loaded; `remove` takes the files away. */
export interface LoadedBundle {
  readonly manifest: Manifest;
  readonly modules: readonly Module[];
  remove(): Promise<void>;
}

const MIB = 1024 ** 2;
/** The defaults of the container. */
const ARCHIVE_LIMITS: ArchiveLimits = {
  maxTotalBytes: 1024 * MIB,
  maxFileBytes: 256 * MIB,
  maxEntries: 50_000,
  maxRatio: 100,
  maxDepth: 64,
};

/**
 * Reads a bundle as the container does: a snapshot in a folder of its own, the manifest of developer and operator, the
 * modules. Each time from another folder, so that nothing of an earlier load is used again. Throws what the container
 * would say, and `PORTICO_TEST_BUNDLE` for a bundle that is no framework application.
 */
export async function loadBundle(
  path: string,
  operatorDescriptor: string | undefined,
): Promise<LoadedBundle> {
  // Only tests of bundles pay for these.
  const { BundleStore } = await import('../../bundle/store.js');
  const { readManifest } = await import('../../bundle/read-manifest.js');
  const { DEFAULT_APPLICATION_SETTINGS } = await import('../../config/application-settings.js');
  const { loadModule } = await import('../modules/named-module.js');
  const work = await mkdtemp(join(tmpdir(), 'portico-test-bundle-'));
  const remove = (): Promise<void> => rm(work, { recursive: true, force: true, maxRetries: 2 });
  try {
    const { folder } = await new BundleStore(work, ARCHIVE_LIMITS).put({ kind: await kindOf(path), path });
    const manifest = await readManifest({
      folder,
      operatorDescriptor,
      defaults: DEFAULT_APPLICATION_SETTINGS,
    });
    const { entry } = manifest;
    if (entry.kind !== 'modules')
      throw new PorticoError(
        'PORTICO_TEST_BUNDLE',
        `${path} is no framework application (${entry.kind}): only those run in memory. ` +
          'Test it as the server it is, or through the host.',
      );
    const modules: Module[] = [];
    for (const reference of entry.modules) modules.push(await loadModule(folder, reference));
    return { manifest, modules, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function kindOf(path: string): Promise<'folder' | 'archive'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'archive';
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_TEST_BUNDLE',
      `There is no bundle ${path}. Give the path of a folder or an archive, from the working directory.`,
      { cause },
    );
  }
}
