import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** Of Linux, in the octal `flags` of `/proc/self/fdinfo`. */
const O_CLOEXEC = 0o2000000;

/**
 * Closes the descriptors that this process got from whoever started it and would pass on to every process of an application: a
 * log of the terminal, a lock, a socket. Everything that Node opens is closed in other programs anyway, and so are the first
 * descriptors that it inherits (among them the sockets of systemd); what comes behind a gap is not. For the command line only:
 * in a program that embeds the host they may be its own. Without `/proc` nothing is done.
 */
export function closeInheritedDescriptors(): void {
  for (const name of namesIn('/proc/self/fdinfo')) {
    const descriptor = Number(name);
    if (descriptor <= 2 || !isPassedOn(name)) continue;
    try {
      closeSync(descriptor);
    } catch {
      // It was that of the list itself.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No /proc here.
    return [];
  }
}

function isPassedOn(name: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // Closed since.
    return false;
  }
}
