import { join } from 'node:path';
import { childrenOf, descendantsOf } from '#test/bench/memory.js';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { fixturesFolder } from '#test/support/paths.js';
import { isAlive, until } from '#test/support/polling.js';
import { frontOf } from '#test/support/processes.js';
import { APPLICATIONS, type StressedApplication, server } from './applications.js';
import { OpenLoad } from './open-load.js';

/** When the processes that carry requests were taken away on purpose, in milliseconds of `performance.now()`. */
export interface Outage {
  /** Of the load. */
  readonly phase: string;
  readonly from: number;
  readonly to: number;
}

/** Only a guard against hanging: starts, drains and probations on a machine that has other things to do. */
const DEADLINE_MS = 90_000;
/** Little history, so that it is soon full: what grows after that is a leak. */
const CONFIG = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications:
  probation: { window: 1s }
  history: 2
`;
const PROBE = { NODE_OPTIONS: `--require ${join(fixturesFolder, 'stress/probe.cjs')}` };

/**
 * A host with the ten applications and the load on them, and what can be done to it. Each deed resolves when the host has
 * come back to what it was: the application answers in its new version, the process has been replaced.
 */
export class StressedHost {
  /** Another one after the server was killed. */
  host: TestHost;
  readonly load: OpenLoad;
  readonly outages: Outage[] = [];
  readonly #versions = new Map<string, number>();

  private constructor(host: TestHost, load: OpenLoad) {
    this.host = host;
    this.load = load;
  }

  /** `rate`: requests a second to each application, once the load is started. */
  static async start(rate: number): Promise<StressedHost> {
    const apps = Object.fromEntries(APPLICATIONS.map(({ name, files }) => [name, files(0)]));
    const host = await TestHost.start({ config: CONFIG, apps, env: PROBE });
    const stressed = new StressedHost(host, new OpenLoad(APPLICATIONS, rate, host.port));
    try {
      await stressed.untilWhole();
    } catch (error) {
      await host.stop();
      throw error;
    }
    return stressed;
  }

  /** Ends load and host. */
  async stop(): Promise<void> {
    await this.load.stop();
    await this.host.stop();
  }

  /** Every application runs, and there is no process but theirs and the front. */
  async untilWhole(): Promise<void> {
    const isWhole = async () => {
      const applications = await this.host.applications();
      const instances = applications.flatMap((application) => application.instances);
      return (
        applications.length === APPLICATIONS.length &&
        applications.every(({ state }) => state === 'running') &&
        instances.length === APPLICATIONS.length - 1 &&
        descendantsOf(this.host.pid).length === instances.length + 1
      );
    };
    await until('every application runs in one process', isWhole, DEADLINE_MS).catch(
      async (error: unknown) => {
        const states = (await this.host.applications()).map(
          ({ name, state, reason, instances }) => `${name} ${state} ${instances.length} ${reason ?? ''}`,
        );
        const seen = [...states, `${descendantsOf(this.host.pid).length} processes`].join('\n');
        throw new Error(`The host is not what it was:\n${seen}`, { cause: error });
      },
    );
  }

  /** Good content replaces the old one. */
  async redeploy(name: string): Promise<void> {
    const version = (this.#versions.get(name) ?? 0) + 1;
    this.#versions.set(name, version);
    this.host.drop(name, application(name).files(version));
    await this.#untilText(`/${name}/version`, String(version));
  }

  /** Bad content does not replace the old one, and good content does thereafter. */
  async refuse(name: string, content: BundleContent): Promise<void> {
    this.host.drop(name, content);
    const hasFailed = ({ pendingFailure }: { pendingFailure: string | undefined }) =>
      pendingFailure !== undefined;
    await this.host.untilApplication(name, hasFailed, DEADLINE_MS);
    await this.redeploy(name);
    await this.host.untilApplication(name, (status) => !hasFailed(status), DEADLINE_MS);
  }

  /** An application comes, answers and goes. */
  async comeAndGo(name: string): Promise<void> {
    this.host.drop(name, server(`export default (req, res) => res.end('${name}');\n`));
    await this.#untilText(`/${name}/`, name);
    this.host.remove(name);
    await until(
      `${name} is gone`,
      async () => (await this.host.application(name)) === undefined,
      DEADLINE_MS,
    );
  }

  /** What happens to the process of an application ends it, and another one takes its place. */
  async lose(name: string, strike: (pid: number) => unknown): Promise<void> {
    const pid = await until(
      `${name} runs`,
      async () => (await this.host.application(name))?.instances[0]?.pid,
    );
    await strike(pid);
    const isReplaced = (instance: { pid: number | undefined } | undefined) =>
      instance?.pid !== undefined && instance.pid !== pid;
    await this.host.untilApplication(
      name,
      ({ state, instances }) => state === 'running' && isReplaced(instances[0]),
      DEADLINE_MS,
    );
    await this.#untilText(`/${name}/version`, String(this.#versions.get(name) ?? 0));
  }

  /** A request that is not counted and need not be answered. */
  async provoke(path: string): Promise<void> {
    await this.host.get(path).then(
      (response) => response.text(),
      (error: unknown) => String(error),
    );
  }

  /** The front is killed, and another one takes its place. */
  async loseFront(): Promise<void> {
    const front = frontOf(this.host);
    const from = performance.now();
    process.kill(front, 'SIGKILL');
    await until('the front is gone', () => !isAlive(front) && !childrenOf(this.host.pid).includes(front));
    this.outages.push({ phase: this.load.phase, from, to: performance.now() });
    await this.#untilText('/rolling/version', String(this.#versions.get('rolling') ?? 0));
  }

  /** The server is killed, and started again as an operator would. */
  async loseServer(): Promise<void> {
    const from = performance.now();
    await this.host.end('SIGKILL');
    this.host = await TestHost.startOn(this.host.base, PROBE);
    this.load.port = this.host.port;
    this.outages.push({ phase: this.load.phase, from, to: performance.now() });
    await this.untilWhole();
  }

  async #untilText(path: string, text: string): Promise<void> {
    let said = '';
    const says = async () => {
      said = await this.host.text(path).catch(String);
      return said === text;
    };
    await until(`${path} says ${text}`, says, DEADLINE_MS).catch((error: unknown) => {
      throw new Error(`It says: ${said}`, { cause: error });
    });
  }
}

function application(name: string): StressedApplication {
  const found = APPLICATIONS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no application ${name}.`);
  return found;
}
