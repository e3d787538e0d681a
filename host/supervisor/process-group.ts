/**
 * Ends a process that was spawned detached, together with everything it has spawned: a detached process leads a
 * group of its own. A child that left the group by starting a session of its own is found by `StrayProcesses`.
 */
export function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (cause) {
    // Nobody is left in the group, or (macOS) only a zombie.
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw cause;
  }
}
