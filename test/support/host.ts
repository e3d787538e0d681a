import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import type { ApplicationStatus } from '#host/deployer/application-status.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until, WAIT_MS } from '#test/support/polling.js';

/** Files of a bundle by relative path, or the folder to copy. */
export type BundleContent = string | Readonly<Record<string, string>>;

interface HostOptions {
  /** What lies in `apps/` before the start: name → content. */
  readonly apps?: Readonly<Record<string, BundleContent>>;
  /** Text of `host.yaml`; ports are set by flags. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface RunFile {
  readonly pid: number;
  readonly admin: { readonly port: number };
  readonly connectors: readonly { readonly port: number }[];
}

const cli = join(repositoryFolder, 'dist/host/cli/main.js');

/** A short stability window, so that tests do not wait. */
const QUICK = 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n';

/**
 * A host started the way a user starts it: the command line, in a process of its own, on a base folder of its own.
 * The base lies inside the repository, so that bundles find the installed packages as a real base would.
 */
export class TestHost {
  readonly base: string;
  readonly process: ChildProcess;
  readonly #output: string[];
  readonly #run: RunFile;

  private constructor(base: string, child: ChildProcess, output: string[], run: RunFile) {
    this.base = base;
    this.process = child;
    this.#output = output;
    this.#run = run;
  }

  /** Starts a host and waits until its first deployment pass is done. */
  static async start(options: HostOptions = {}): Promise<TestHost> {
    return await TestHost.startOn(makeBase(options), options.env);
  }

  /**
   * Starts a host on a base folder that is there already; `through` is a program that runs it in its place, `descriptors`
   * become 3, 4, … there.
   */
  static async startOn(
    base: string,
    env: Readonly<Record<string, string>> = {},
    through: readonly string[] = [],
    descriptors: readonly number[] = [],
  ): Promise<TestHost> {
    const args = [cli, 'start', '--base', base, '--port', '0', '--admin-port', '0'];
    const [program = process.execPath, ...rest] = [...through, process.execPath, ...args];
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
      env: { ...process.env, ...env },
    });
    const output: string[] = [];
    child.stdout?.on('data', (text) => output.push(String(text)));
    child.stderr?.on('data', (text) => output.push(String(text)));
    const run = await until('the host is up', async () => {
      if (child.exitCode !== null)
        throw new Error(`the host exited with ${child.exitCode}:\n${output.join('')}`);
      // A server that was killed has left its own file.
      const found = readRunFile(base);
      return found?.pid === child.pid ? found : undefined;
    });
    const host = new TestHost(base, child, output, run);
    await until(
      'the host is ready',
      async () => ((await host.admin('/health/ready')).ok ? true : undefined),
      60_000,
    );
    return host;
  }

  get pid(): number {
    return this.#run.pid;
  }

  /** Everything the host has printed. */
  get log(): string {
    return this.#output.join('');
  }

  /** Of all connectors, in their order. */
  get ports(): readonly number[] {
    return this.#run.connectors.map(({ port }) => port);
  }

  get port(): number {
    return this.#run.connectors[0]?.port ?? 0;
  }

  get adminPort(): number {
    return this.#run.admin.port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** A request to an application; redirects are not followed. */
  async get(path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(this.url(path), { redirect: 'manual', signal: AbortSignal.timeout(WAIT_MS), ...init });
  }

  async text(path: string): Promise<string> {
    return await (await this.get(path)).text();
  }

  /** A request to the admin connector, with the token. */
  async admin(path: string, method = 'GET'): Promise<Response> {
    const token = readFileSync(join(this.base, 'run/admin.token'), 'utf8').trim();
    return await fetch(`http://127.0.0.1:${this.#run.admin.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(60_000),
    });
  }

  /** What a command of the command line prints; rejects when it fails. */
  async portico(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args, '--base', this.base]);
    return stdout;
  }

  async applications(): Promise<ApplicationStatus[]> {
    const response = await this.admin('/v1/applications');
    return ((await response.json()) as { applications: ApplicationStatus[] }).applications;
  }

  async application(name: string): Promise<ApplicationStatus | undefined> {
    return (await this.applications()).find((application) => application.name === name);
  }

  /** Waits until an application satisfies a condition, and returns it. */
  async untilApplication(
    name: string,
    condition: (application: ApplicationStatus) => boolean,
    deadlineMs = WAIT_MS,
  ): Promise<ApplicationStatus> {
    return await until(
      `application ${name}`,
      async () => {
        const application = await this.application(name);
        return application !== undefined && condition(application) ? application : undefined;
      },
      deadlineMs,
    );
  }

  /** Text of a file below `logs/`, as soon as it holds this. */
  async logFile(name: string, pattern: RegExp): Promise<string> {
    return await until(`${name} holds ${pattern}`, () => {
      const file = join(this.base, 'logs', name);
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      return pattern.test(text) ? text : undefined;
    });
  }

  /**
   * Puts a bundle into `apps/`: a new one in one step, so that no half of it is deployed on a slow machine; of one that
   * is there each file in one step.
   */
  drop(name: string, content: BundleContent): void {
    const target = join(this.base, 'apps', name);
    const partial = mkdtempSync(join(this.base, 'partial-'));
    const whole = join(partial, 'bundle');
    writeBundle(whole, content);
    mkdirSync(dirname(target), { recursive: true });
    if (!existsSync(target)) renameSync(whole, target);
    else
      for (const file of filesBelow(whole)) {
        mkdirSync(dirname(join(target, file)), { recursive: true });
        renameSync(join(whole, file), join(target, file));
      }
    rmSync(partial, { recursive: true });
  }

  /** Puts a file into `apps/` in one step. */
  dropFile(name: string, content: string | Buffer): void {
    const temporary = join(this.base, `${name}.partial`);
    writeFileSync(temporary, content);
    renameSync(temporary, join(this.base, 'apps', name));
  }

  remove(name: string): void {
    rmSync(join(this.base, 'apps', name), { recursive: true, force: true });
  }

  /** Ends the host and deletes its base; returns the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const code = await this.end(signal);
    // What its applications left running for a moment may still write.
    rmSync(this.base, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    return code;
  }

  /** Ends the host and keeps its base. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { process: child } = this;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
      await exited;
      clearTimeout(timer);
    }
    return child.exitCode;
  }
}

/** Makes a base folder inside the repository's ignored `.portico/`. */
export function makeBase(options: HostOptions): string {
  mkdirSync(join(repositoryFolder, '.portico'), { recursive: true });
  const base = mkdtempSync(join(repositoryFolder, '.portico/test-'));
  mkdirSync(join(base, 'apps'));
  writeFileSync(join(base, 'host.yaml'), options.config ?? QUICK);
  for (const [name, content] of Object.entries(options.apps ?? {}))
    writeBundle(join(base, 'apps', name), content);
  return base;
}

function writeBundle(target: string, content: BundleContent): void {
  if (typeof content === 'string') {
    cpSync(content, target, { recursive: true });
    return;
  }
  for (const [name, text] of Object.entries(content)) {
    const file = name === '' ? target : join(target, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function readRunFile(base: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(join(base, 'run/server.json'), 'utf8')) as RunFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
