import { readlink } from 'node:fs/promises';
import { messageOf, PorticoError } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';
import type { CandidateSource } from './candidate.js';

/** A source that is there and cannot be read, and why: a sentence with what, where, and what to do. */
export function unreadable(kind: CandidateSource['kind'], path: string, problem: string): CandidateSource {
  return { kind, path, signature: '', complete: false, quietMs: 0, problem };
}

/** A file or folder that cannot be read. */
export function problemOf(path: string, error: unknown): string {
  // Our own errors say themselves what to do.
  const advice = error instanceof PorticoError ? '' : '; give the user of the host the right to read it';
  return `${path} cannot be read: ${messageOf(error)}${advice}`;
}

/** A link in the drop folder that leads nowhere. */
export async function problemOfLink(path: string, error: unknown): Promise<string> {
  let target: string;
  try {
    target = await readlink(path);
  } catch {
    // Not a link: then it is the entry itself that cannot be looked at.
    return problemOf(path, error);
  }
  const why = isAbsent(error) ? 'which is not there' : `which cannot be followed: ${messageOf(error)}`;
  return `${path} is a link to ${target}, ${why}; put the bundle there, correct the link or delete it`;
}

/** What `portico.bundle` of a descriptor points to. */
export function problemElsewhere(path: string, descriptor: string, error: unknown): string {
  const advice = `put the bundle there or correct portico.bundle in ${descriptor}`;
  if (isAbsent(error))
    return `${path}, where ${descriptor} says that the bundle lies, is not there; ${advice}`;
  return `${path}, where ${descriptor} says that the bundle lies, cannot be read: ${messageOf(error)}; ${advice}`;
}

function isAbsent(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
