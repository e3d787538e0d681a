/** Commands that serve: what they do is more than what they print. */
const SERVING: ReadonlySet<string | undefined> = new Set(['start', 'dev', 'run']);

/**
 * What happens when nobody takes what is printed any more: the program that read it has ended, as `head` does, or the disk
 * is full. Whoever serves goes on, and prints again when there is room; any other command ends with code 1. Without this
 * Node ends either of them at once, connections and all. Call once in a process, before anything is printed.
 */
export function surviveLostOutput(command: string | undefined): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', () => {
      if (!SERVING.has(command)) process.exit(1);
    });
}
