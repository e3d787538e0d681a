import { isArchiveComplete } from '../bundle/archive.js';
import { quotedName } from '../bundle/quoted-name.js';
import type { HostConfig } from '../config/host-config.js';
import { placeOf, shownPlace } from '../deployer/place.js';
import { inspectManifest } from '../deployer/plan/inspect-candidate.js';
import type { Candidate } from '../deployer/scan/candidate.js';
import { Scanner } from '../deployer/scan/scan.js';
import { messageOf, PorticoError } from '../errors.js';
import { type BaseOptions, configOf } from './base-options.js';

/**
 * `portico validate`: checks `host.yaml`, the certificates it names, and every bundle and descriptor in the drop folder as
 * the deployer sees them. Starts nothing, changes nothing.
 */
export async function validate(options: BaseOptions): Promise<void> {
  const config = configOf(options);
  process.stdout.write(`ok    ${config.file ?? 'configuration: defaults'}\n`);
  const unusable = await tellCertificates(config);
  const appsFolder = config.folders.apps;
  const { maxEntries } = config.archives;
  const scan = await new Scanner({
    appsFolder,
    maxEntries,
    isArchiveComplete: (path) => isArchiveComplete(path),
    virtualHosts: config.virtualHosts,
  }).scan();
  if (scan.kind === 'unreadable') {
    throw new PorticoError(
      'PORTICO_VALIDATION_FAILED',
      `The drop folder ${appsFolder} cannot be listed: ${scan.reason}. Make it, or name another one below "folders" of host.yaml.`,
    );
  }
  for (const { entry, reason } of scan.refused) tellWrong(entry, reason);
  let failures = scan.refused.length;
  const holders = new Map<string, string>();
  for (const candidate of scan.candidates) {
    if (candidate.sources.length === 0 && candidate.descriptor === undefined) continue;
    try {
      const what = await check(candidate, config, holders);
      process.stdout.write(`ok    ${quotedName(candidate.name)}: ${what}\n`);
    } catch (error) {
      failures += 1;
      tellWrong(candidate.name, messageOf(error));
    }
  }
  const failed = [
    unusable > 0 &&
      `${unusable === 1 ? '1 connector has' : `${unusable} connectors have`} certificates that cannot be used.`,
    failures > 0 &&
      `${failures === 1 ? '1 entry' : `${failures} entries`} of the drop folder cannot be deployed.`,
  ].filter((text) => text !== false);
  if (failed.length > 0)
    throw new PorticoError('PORTICO_VALIDATION_FAILED', `${failed.join(' ')} Correct what is said above.`);
}

/** How many connectors cannot be opened. */
async function tellCertificates({ connectors }: HostConfig): Promise<number> {
  if (connectors.every(({ tls }) => tls === undefined)) return 0;
  // Readers of key stores take memory that only hosts with TLS need.
  const { checkCertificates } = await import('../server/certificates/check-certificates.js');
  const checked = await checkCertificates(connectors);
  for (const { connector, hosts, problems, notes } of checked) {
    for (const problem of problems) tellWrong(connector, problem);
    const shown = hosts.length === 0 ? '' : ` for ${hosts.slice(0, 20).join(', ')}`;
    const added = notes.map((note) => `; note: ${note}`).join('');
    if (problems.length === 0)
      process.stdout.write(`ok    ${quotedName(connector)}: certificates${shown}${added}\n`);
  }
  return checked.filter(({ problems }) => problems.length > 0).length;
}

function tellWrong(name: string, why: string): void {
  process.stdout.write(`wrong ${quotedName(name)}: ${why}\n`);
}

/** What the candidate is, in words; throws what is wrong with it. `holders` has who asked for a path first. */
async function check(
  candidate: Candidate,
  config: HostConfig,
  holders: Map<string, string>,
): Promise<string> {
  const { name, context, descriptor } = candidate;
  const [source, ...others] = candidate.sources;
  const problem = descriptor?.problem ?? source?.problem;
  if (problem !== undefined) throw new PorticoError('PORTICO_BUNDLE_INVALID', problem);
  if (source === undefined) {
    const message = `${descriptor?.path} has no bundle: put one of this name beside it, or name one with portico.bundle`;
    throw new PorticoError('PORTICO_BUNDLE_MISSING', message);
  }
  const path = shownPlace(placeOf(context).id);
  const claim = `${path}##${context.version}`;
  const holder = holders.get(claim);
  if (holder !== undefined) {
    throw new PorticoError(
      'PORTICO_CONTEXT_TAKEN',
      `${path} is taken by ${holder}; remove one of the two or give it another context`,
    );
  }
  holders.set(claim, name);
  const { entry, notes } = await inspectManifest(source, descriptor?.path, config);
  const ignored = others.map((other) => `${other.path} is ignored, because ${source.path} is there too`);
  return `${entry.kind} at ${path}${[...notes, ...ignored].map((note) => `; note: ${note}`).join('')}`;
}
