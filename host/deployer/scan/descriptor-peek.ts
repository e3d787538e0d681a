import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type Descriptor, readOperatorDescriptor } from '../../bundle/descriptor.js';
import { ConfigError } from '../../config/config-error.js';
import { hostAskedFor, type KnownHosts } from '../../config/virtual-hosts.js';
import { PorticoError } from '../../errors.js';

/** The things of an operator's descriptor that decide before the bundle is opened. */
export interface DescriptorPeek {
  /** `portico.bundle`: the bundle lies elsewhere. Relative paths start at the drop folder. */
  readonly bundle: string | undefined;
  /** `portico.servlet.host`: the host it is on, as `hostAskedFor` gives it. */
  readonly host: string;
  /** Why there is no such host: a sentence with file, line and column. */
  readonly hostProblem: string | undefined;
  /** `portico.servlet.context`, as written. */
  readonly context: string | undefined;
  /** It names a server elsewhere, or a redirect. */
  readonly needsNoBundle: boolean;
  /** `portico.servlet.required`: the host is not ready without it. Undefined: not written. */
  readonly required: boolean | undefined;
  /** Hash of the bytes. */
  readonly hash: string;
}

/** Above this it is not read; the reader of descriptors refuses less than that. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads and checks the operator's descriptor. Throws ConfigError `PORTICO_DESCRIPTOR_INVALID` with file, line and
 * column, or what the file system throws.
 */
export async function peekDescriptor(path: string, hosts: KnownHosts): Promise<DescriptorPeek> {
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
  const descriptor = readOperatorDescriptor(path, process.env);
  const { bundle, servlet, application } = descriptor;
  const { host, problem } = hostAskedFor(hosts, servlet.host);
  return {
    bundle,
    host,
    hostProblem: problem && hostError(descriptor, problem).message,
    context: servlet.context,
    required: servlet.required,
    needsNoBundle: (application.upstream ?? application.redirect) !== undefined,
    hash,
  };
}

function hostError(descriptor: Descriptor, problem: string): ConfigError {
  const path = [descriptor.section, 'servlet', 'host'];
  return new ConfigError('PORTICO_DESCRIPTOR_INVALID', [descriptor.problem(path, problem)]);
}
