import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { AbortReason, RequestHead } from '#host/exchange/exchange.js';
import { ExchangeClient, type OutgoingExchange } from '#host/exchange/exchange-client.js';
import type { InstanceAddress } from '#host/front/messages.js';
import type { FieldBlock } from '#host/http/field-block.js';
import { type AgentReport, type BootPlan, CHANNEL_DESCRIPTOR } from '#host/instance/messages.js';
import { ControlChannel } from '#host/supervisor/control-channel.js';
import { WAIT_MS } from '#test/support/polling.js';
import { ScriptedExchange, type ScriptedRequest } from '#test/support/scripted-exchange.js';

const AGENT = fileURLToPath(new URL('../../host/instance/agent.js', import.meta.url));
const SECRET = 'c3'.repeat(32);

/** The answer of an application, as the front would get it. */
export class AgentResponse {
  status = 0;
  fields: FieldBlock | undefined;
  trailers: FieldBlock | undefined;
  readonly interims: number[] = [];
  readonly chunks: Buffer[] = [];
  receivedBytes = 0;
  abortedWith: AbortReason | undefined;
  exchange: OutgoingExchange | undefined;
  readonly done: Promise<void>;
  onData: (chunk: Buffer) => void = () => undefined;
  onDrain: () => void = () => undefined;
  finish: () => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

/** The agent in a process of its own, with the test as supervisor and as front. */
export class AgentProcess {
  readonly child: ChildProcess;
  readonly channel: ControlChannel;
  readonly reports: AgentReport[] = [];
  output = '';
  exitCode: number | null | undefined;
  readonly exited: Promise<number | null>;
  readonly #folder: string;
  readonly #plan: BootPlan;
  #client: ExchangeClient | undefined;
  #onChange: (() => void)[] = [];

  /** `execArgv`: options of Node. */
  constructor(
    folder: string,
    entry: BootPlan['entry'],
    plan: Partial<BootPlan> = {},
    execArgv: readonly string[] = [],
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), 'portico-a-'));
    this.#plan = {
      application: 'test',
      version: '',
      deployment: 'test@1',
      instance: 'test@1/1#1',
      contextPath: '/test',
      folder,
      entry,
      config: {},
      prefix: 'strip',
      socketPath: join(this.#folder, 's'),
      secret: SECRET,
      statsIntervalMs: 50,
      startTimeoutMs: 30_000,
      ...plan,
    };
    const environment = { PATH: process.env['PATH'] ?? '', PORTICO_CONTEXT_PATH: this.#plan.contextPath };
    this.child = spawn(process.execPath, [...execArgv, AGENT], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.#changed();
      });
    this.channel = new ControlChannel(this.child.stdio[CHANNEL_DESCRIPTOR] as Duplex, {
      received: (message) => {
        const report = message as AgentReport;
        if (report.type === 'hello') this.channel.send({ type: 'boot', plan: this.#plan, environment });
        this.reports.push(report);
        this.#changed();
      },
      broken: () => this.child.kill('SIGKILL'),
      closed: () => this.#changed(),
    });
    this.exited = this.#ended();
  }

  /** Where a front finds it. */
  get address(): InstanceAddress {
    const { instance, socketPath, secret } = this.#plan;
    return { instance, socketPath, secret };
  }

  /** The first report of this type; rejects when the process ends without it. */
  async report<T extends AgentReport['type']>(type: T): Promise<Extract<AgentReport, { type: T }>> {
    const find = () => this.reports.find((report) => report.type === type);
    await this.until(() => find() !== undefined || this.exitCode !== undefined);
    const report = find();
    if (report === undefined)
      throw new Error(
        `ended with ${this.exitCode} without "${type}": ${JSON.stringify(this.reports)}\n${this.output}`,
      );
    return report as Extract<AgentReport, { type: T }>;
  }

  /** Resolves when `condition` holds; looks again after each message, output and exit. Rejects at the deadline. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = `${JSON.stringify(this.reports.slice(-5))}\n${this.output}`;
        reject(new Error(`waited ${WAIT_MS} ms in vain until ${condition}; the last: ${seen}`));
      }, WAIT_MS);
      const look = (): void => {
        if (!condition()) this.#onChange.push(look);
        else {
          clearTimeout(timer);
          resolve();
        }
      };
      look();
    });
  }

  /** Opens an exchange over the real wire. */
  async open(request: ScriptedRequest = {}, response = new AgentResponse()): Promise<AgentResponse> {
    await this.report('ready');
    this.#client ??= await ExchangeClient.connect({
      socketPath: this.#plan.socketPath,
      secret: SECRET,
      onClosed: () => {
        this.#client = undefined;
      },
    });
    const head: RequestHead = new ScriptedExchange(request).head;
    response.exchange = this.#client.open(head, head.path, {
      interim: (status) => response.interims.push(status),
      response: (status, fields, body, isComplete) => {
        response.status = status;
        response.fields = fields;
        if (body !== undefined) response.chunks.push(body);
        if (isComplete) response.finish();
      },
      data: (chunk) => {
        response.receivedBytes += chunk.length;
        if (response.receivedBytes < 1024 * 1024) response.chunks.push(chunk);
        response.exchange?.consumed(chunk.length);
        response.onData(chunk);
      },
      end: (trailers) => {
        response.trailers = trailers;
        response.finish();
      },
      drain: () => response.onDrain(),
      aborted: (reason) => {
        response.abortedWith = reason;
        response.finish();
      },
    });
    return response;
  }

  /** Sends a whole request and waits for the whole response. */
  async fetch(request: ScriptedRequest = {}, body?: string): Promise<AgentResponse> {
    const response = await this.open({
      bodyLength: body === undefined ? 0 : Buffer.byteLength(body),
      ...request,
    });
    if (body !== undefined) response.exchange?.write(Buffer.from(body));
    response.exchange?.end();
    await response.done;
    return response;
  }

  send(graceMs: number): void {
    this.channel.send({ type: 'stop', graceMs });
  }

  /** Ends the process by force, if it has not ended. */
  async kill(): Promise<void> {
    this.#client?.close();
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** The process and its output; not `close`, which never comes when the parent has disconnected. */
  async #ended(): Promise<number | null> {
    const { stdout, stderr } = this.child;
    const streams = [stdout, stderr].map((stream) => (stream === null ? undefined : once(stream, 'close')));
    const [code] = (await once(this.child, 'exit')) as [number | null];
    await Promise.all(streams);
    this.exitCode = code;
    this.#changed();
    rmSync(this.#folder, { recursive: true, force: true });
    return code;
  }

  #changed(): void {
    for (const look of this.#onChange.splice(0)) look();
  }
}
