import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { until } from './polling.js';
import { TemporaryFolder } from './temporary-folder.js';

/** Is there a Redis on this machine? */
export const hasRedis: boolean = spawnSync('redis-server', ['--version']).status === 0;

/** A real Redis on a socket of its own, without a port and without files that last. */
export class RedisServer {
  readonly #folder = new TemporaryFolder();
  #process: ChildProcess | undefined;

  /** Path of the Unix socket. */
  get socket(): string {
    return this.#folder.at('redis.sock');
  }

  async start(): Promise<void> {
    const settings = {
      port: '0',
      unixsocket: this.socket,
      save: '',
      appendonly: 'no',
      dir: this.#folder.path,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#process = spawn('redis-server', args, { stdio: 'ignore' });
    await until('Redis listens', () => existsSync(this.socket));
  }

  /** Ends it at once; it can be started again, and then knows nothing. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running !== undefined && running.exitCode === null && running.signalCode === null) {
      const exit = once(running, 'exit');
      running.kill('SIGKILL');
      await exit;
    }
    rmSync(this.socket, { force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    this.#folder.remove();
  }
}
