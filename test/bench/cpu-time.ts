import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of `/proc`: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User and system CPU time of a process since its start, in microseconds (Linux). */
export function cpuMicroseconds(pid: number): number {
  try {
    // To the nanosecond, thread by thread, where the kernel keeps it.
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((thread) =>
      Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'), 10),
    );
    const sum = nanoseconds.reduce((total, one) => total + one, 0);
    if (sum > 0) return sum / 1000;
  } catch {
    // Without scheduler statistics, in steps of 10 ms.
  }
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name of the program, in brackets, may hold spaces; utime and stime are fields 14 and 15 of all.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}
