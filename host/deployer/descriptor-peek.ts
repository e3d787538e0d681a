import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { readOperatorDescriptor } from '../bundle/descriptor.js';
import { PorticoError } from '../errors.js';

/** The things of an operator's descriptor that decide before the bundle is opened. */
export interface DescriptorPeek {
  /** `portico.bundle`: the bundle lies elsewhere. Relative paths start at the drop folder. */
  readonly bundle: string | undefined;
  /** `portico.servlet.context`, as written. */
  readonly context: string | undefined;
  /** It names a server elsewhere, so it needs no bundle. */
  readonly isUpstream: boolean;
  /** Hash of the bytes. */
  readonly hash: string;
}

/** Above this it is not read; the reader of descriptors refuses less than that. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads and checks the operator's descriptor. Throws ConfigError `PORTICO_DESCRIPTOR_INVALID` with file, line and
 * column, or what the file system throws.
 */
export async function peekDescriptor(path: string): Promise<DescriptorPeek> {
  const { size } = await stat(path);
  if (size > MAX_BYTES) {
    throw new PorticoError(
      'PORTICO_DESCRIPTOR_INVALID',
      `${path} has ${size} bytes; a descriptor has a few hundred`,
    );
  }
  const hash = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  const { bundle, servlet, application } = readOperatorDescriptor(path, process.env);
  return { bundle, context: servlet.context, isUpstream: application.upstream !== undefined, hash };
}
