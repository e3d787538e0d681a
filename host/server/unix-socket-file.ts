import { chmodSync, chownSync, lstatSync, readFileSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { UnixSocketConfig } from '../config/host-config.js';
import { PorticoError } from '../errors.js';
import { systemCodeOf } from '../system-error.js';

/** For a listener to take a connection; one that does not is alive all the same. */
const PROBE_MS = 2000;

/**
 * Makes way for a socket: a file that a host which died has left is removed, if nobody listens on it. Rejects with
 * `PORTICO_SOCKET_IN_USE` when somebody does, with `PORTICO_SOCKET_UNUSABLE` when the path is something else, or its
 * folder is not there.
 */
export async function clearSocketPath(connector: string, path: string): Promise<void> {
  const fail = unusable(connector, path);
  if (statOf(() => statSync(dirname(path)))?.isDirectory() !== true)
    throw fail('its folder is not there', 'Make the folder; systemd does so with RuntimeDirectory=');
  const stats = statOf(() => lstatSync(path));
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw fail('there is a file that is no socket', 'Move it away, or choose another path');
  const refusal = await probe(path);
  if (refusal === undefined)
    throw new PorticoError(
      'PORTICO_SOCKET_IN_USE',
      `Connector ${connector} cannot listen on ${path}: another program listens there. Stop that program, or choose ` +
        `another path (${settingOf(connector)}).`,
    );
  if (refusal === 'ENOENT') return;
  if (refusal !== 'ECONNREFUSED')
    throw fail(
      `nobody can tell whether somebody listens there (${refusal})`,
      'Remove the file if nobody does',
    );
  try {
    unlinkSync(path);
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT')
      throw fail('the file that an earlier host has left cannot be removed', 'Remove it', cause);
  }
}

/** Gives the file its rights and its owner; to be called before anybody can connect. Throws `PORTICO_SOCKET_UNUSABLE`. */
export function protectSocketFile(connector: string, socket: UnixSocketConfig): void {
  const { path, mode, owner, group } = socket;
  const fail = unusable(connector, path);
  const uid = owner === undefined ? -1 : idOf('/etc/passwd', owner);
  const gid = group === undefined ? -1 : idOf('/etc/group', group);
  if (uid === undefined) throw fail(`the user ${owner} is not in /etc/passwd`, 'Write its number');
  if (gid === undefined) throw fail(`the group ${group} is not in /etc/group`, 'Write its number');
  try {
    if (uid >= 0 || gid >= 0) chownSync(path, uid, gid);
    chmodSync(path, mode);
  } catch (cause) {
    throw fail(
      `the system refuses its owner, group or mode (${systemCodeOf(cause)})`,
      'A user can give a file to groups of its own only',
      cause,
    );
  }
}

/** The error for a path that cannot be used, from the code of the system. */
export function socketError(connector: string, path: string, systemCode: string): PorticoError {
  const advice =
    systemCode === 'EACCES'
      ? 'Give the user of the host the right to write into the folder'
      : 'Choose another path';
  return unusable(connector, path)(`the system says ${systemCode}`, advice);
}

function unusable(connector: string, path: string) {
  return (reason: string, advice: string, cause?: unknown): PorticoError =>
    new PorticoError(
      'PORTICO_SOCKET_UNUSABLE',
      `Connector ${connector} cannot listen on ${path}: ${reason}. ${advice} (${settingOf(connector)}).`,
      { cause },
    );
}

const settingOf = (connector: string): string => `connectors.${connector}.socket`;

/** Resolves with undefined when somebody listens, else with the code of the system. */
function probe(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const client = connect(path);
    const timer = setTimeout(() => end(undefined), PROBE_MS);
    const end = (code: string | undefined): void => {
      clearTimeout(timer);
      client.destroy();
      resolve(code);
    };
    client.on('connect', () => end(undefined));
    // EAGAIN: its queue is full.
    client.on('error', (error) => {
      const code = systemCodeOf(error);
      end(code === 'EAGAIN' ? undefined : (code ?? error.message));
    });
  });
}

function statOf(read: () => Stats): Stats | undefined {
  try {
    return read();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Number of a user or a group: given as such, or looked up in the file of the system. */
function idOf(file: string, name: string): number | undefined {
  if (/^\d{1,9}$/.test(name)) return Number(name);
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .map((entry) => entry.split(':'))
    .find(([known]) => known === name);
  return line?.[2] === undefined ? undefined : Number(line[2]);
}
