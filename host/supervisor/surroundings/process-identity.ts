import { readFileSync } from 'node:fs';
import { PorticoError } from '../../errors.js';

/** Whose rights a process has. */
export interface ProcessIdentity {
  readonly uid: number;
  readonly gid: number;
  /** Home of the user; undefined for a number that no user has. */
  readonly home: string | undefined;
}

/**
 * The identity for `user` and `group` of an application; undefined when it gives neither, which means the host's own. Names are
 * looked for in `/etc/passwd` and `/etc/group`; users of a directory service are given by number, with a group. Throws
 * `PORTICO_USER_NOT_ROOT` when this host may not change users, `PORTICO_USER_UNKNOWN` for a name that does not exist.
 */
export function identityOf(
  user: string | undefined,
  group: string | undefined,
  files = { users: '/etc/passwd', groups: '/etc/group' },
): ProcessIdentity | undefined {
  if (user === undefined && group === undefined) return undefined;
  const [ownUid, ownGid] = [process.geteuid?.(), process.getegid?.()];
  if (ownUid !== 0 || ownGid === undefined) {
    const what = user === undefined ? `group ${group}` : `user ${user}`;
    throw new PorticoError(
      'PORTICO_USER_NOT_ROOT',
      `the processes are to run as ${what}, but only a host that runs as root can change that: start it as root, or take user and group away`,
    );
  }
  const account =
    user === undefined ? { uid: ownUid, gid: ownGid, home: undefined } : accountOf(user, files.users);
  const gid = group === undefined ? account.gid : groupOf(group, files.groups);
  if (gid === undefined) {
    throw unknown(`user ${user} is a number without an account: give a group as well`);
  }
  return { uid: account.uid, gid, home: account.home };
}

interface Account {
  readonly uid: number;
  readonly gid: number | undefined;
  readonly home: string | undefined;
}

function accountOf(user: string, file: string): Account {
  for (const [name, , uid, gid, , home] of entries(file)) {
    if (name === user || uid === user) return { uid: Number(uid), gid: Number(gid), home };
  }
  if (/^\d+$/.test(user)) return { uid: Number(user), gid: undefined, home: undefined };
  throw unknown(`user ${user} does not exist in ${file}: correct the name, or give a number and a group`);
}

function groupOf(group: string, file: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const found = entries(file).find(([name]) => name === group);
  if (found === undefined)
    throw unknown(`group ${group} does not exist in ${file}: correct the name, or give a number`);
  return Number(found[2]);
}

function entries(file: string): string[][] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => /^[^#:]+:[^:]*:\d+:/.test(line)).map((line) => line.split(':'));
  } catch (cause) {
    throw new PorticoError('PORTICO_USER_UNKNOWN', `${file} cannot be read: give user and group as numbers`, {
      cause,
    });
  }
}

function unknown(message: string): PorticoError {
  return new PorticoError('PORTICO_USER_UNKNOWN', message);
}
