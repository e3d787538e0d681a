import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fixturesFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';

/** An embedded server in a process of its own; see `test/fixtures/embedded/server.mjs`. */
export class EmbeddedProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #output: string[];

  private constructor(child: ChildProcess, output: string[], port: number) {
    this.#child = child;
    this.#output = output;
    this.port = port;
  }

  static async start(
    engine: 'CIO' | 'Node',
    settings: object = {},
    ...references: readonly string[]
  ): Promise<EmbeddedProcess> {
    const file = join(fixturesFolder, 'embedded/server.mjs');
    const child = spawn(process.execPath, [file, engine, JSON.stringify(settings), ...references], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text) => output.push(String(text)));
    let isClosed = false;
    child.on('close', () => {
      isClosed = true;
    });
    const port = await until('the server is up', () => {
      if (isClosed) throw new Error(`it ended with ${child.exitCode}: ${output.join('')}`);
      const match = /^port (\d+)$/m.exec(output.join(''));
      return match === null ? undefined : Number(match[1]);
    });
    return new EmbeddedProcess(child, output, port);
  }

  /** Everything it has printed. */
  get output(): string {
    return this.#output.join('');
  }

  /** Names of the events so far. */
  get events(): string[] {
    return this.output.split('\n').filter((line) => /^(Application|Server)\w+$/.test(line));
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { headers: { connection: 'close' } });
  }

  async text(path: string): Promise<string> {
    return (await this.get(path)).text();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Exit code, or the signal that ended it. */
  async exit(): Promise<number | NodeJS.Signals> {
    return until('the process ends', () => this.#child.exitCode ?? this.#child.signalCode ?? undefined);
  }

  /** For the end of a test, whatever happened. */
  async destroy(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit();
  }
}
