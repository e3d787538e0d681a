/**
 * Ends a process that was spawned detached, together with everything it has spawned: a detached process leads a
 * group of its own. A child that left the group by starting a session of its own is found by `StrayProcesses`.
 */
export function killGroup(leader: number): void {
  signalGroup(leader, 'SIGKILL');
}

/** Sends a signal to a process that was spawned detached and to all in its group. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (cause) {
    // Nobody is left in the group, or (macOS) only a zombie.
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw cause;
  }
}
