import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Ends programs whose server has died without a word (SIGKILL, out of memory). An agent sees that its channel closes; a program
 * sees nothing, and would run until the next server on the base folder. So a shell waits at the end of a pipe that only the server
 * holds open. It is started with the first program, and once more with the next one should it have been ended itself. Owned by the
 * supervisor; outlives it by `GRACE_SECONDS` at most.
 */
export class OrphanWatch {
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;

  /** A program leads this process group from now on. */
  add(group: number): void {
    this.#groups.add(group);
    if (this.#shell === undefined) this.#start();
    else this.#tell(`add ${group}`);
  }

  /** Nothing of the group is left that is ours to end. */
  delete(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`end ${group}`);
  }

  /** The shell ends; what was not deleted is ended by it. */
  stop(): void {
    this.#shell?.stdin?.end();
    this.#shell = undefined;
  }

  #start(): void {
    // A session of its own: what ends the server by a signal to its group must not end this first.
    const shell = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    });
    const gone = (): void => {
      if (this.#shell === shell) this.#shell = undefined;
    };
    // Without a shell programs run as they did, only nobody watches.
    shell.once('error', gone).once('exit', gone).unref();
    shell.stdin?.on('error', gone);
    this.#shell = shell;
    for (const group of this.#groups) this.#tell(`add ${group}`);
  }

  #tell(line: string): void {
    this.#shell?.stdin?.write(`${line}\n`);
  }
}

/** Between SIGTERM and SIGKILL. */
const GRACE_SECONDS = 3;

/** `read` fails when the server is gone. */
const SCRIPT = `# ends programs of Portico when their server has been killed
groups=
while read -r verb group; do
  rest=
  for one in $groups; do [ "$one" = "$group" ] || rest="$rest $one"; done
  groups=$rest
  [ "$verb" = end ] || groups="$groups $group"
done
[ -n "$groups" ] || exit 0
for one in $groups; do kill -TERM "-$one"; done
sleep ${GRACE_SECONDS}
for one in $groups; do kill -KILL "-$one"; done`;
