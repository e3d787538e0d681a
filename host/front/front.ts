import { createServer, Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ConnectorSettings } from '../config/connector-settings.js';
import { Connector } from '../connector/connector.js';
import { DescriptorGuard } from '../connector/descriptor-guard.js';
import { within } from '../deadline.js';
import { messageOf, PorticoError } from '../errors.js';
import type { Exchange, ExchangeHandler } from '../exchange/exchange.js';
import type { CertificateUpdate } from '../tls/tls-settings.js';
import { AccessLog } from './access-log.js';
import { CallGate } from './calls/call-gate.js';
import { ConnectionShares } from './connection-shares.js';
import { Dispatcher } from './dispatcher.js';
import { type MappedContext, Mapping } from './mapping.js';
import type { FrontCommand, FrontReport, FrontSettings, OpenRequestQuery } from './messages.js';
import { openRequestsOf } from './open-requests.js';
import { Runtimes } from './runtimes.js';
import { TrafficCounts } from './traffic-counts.js';

/** The way out of a front. */
export interface FrontSurroundings {
  /** Sends a report to the server; `onSent` is called when it is on its way, also when it cannot be sent. */
  report(report: FrontReport, onSent?: () => void): void;
  /** One line for the log of the host. */
  problem(message: string): void;
  exit(code: number): void;
}

/**
 * One front: the data plane in a process. Holds listeners, mapping, runtimes, counts and access log, and does what
 * the server commands. Carries every user request and runs no application code.
 */
export class Front {
  readonly #outside: FrontSurroundings;
  readonly #counts = new TrafficCounts();
  readonly #servers = new Map<string, Server>();
  readonly #connectors = new Map<string, Connector>();
  /** Replaced by others with new settings; their last connections are ending. */
  readonly #former = new Map<Connector, string>();
  readonly #shares: ConnectionShares;
  readonly #descriptors: DescriptorGuard | undefined;
  #world: World | undefined;
  /** Where applications call each other: name of its connector, and who answers there. */
  #calls: { readonly connector: string; readonly gate: CallGate } | undefined;
  #reporter: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(outside: FrontSurroundings) {
    this.#outside = outside;
    this.#shares = new ConnectionShares(this.#connectors, this.#former, (open) =>
      outside.report({ type: 'open-connections', open }),
    );
    this.#descriptors = DescriptorGuard.ofProcess(outside.problem);
  }

  /** Says that commands may come. */
  start(): void {
    this.#outside.report({ type: 'ready' });
  }

  /** Carries out one command; `handle` is the listening socket that came with `listen`. */
  obey(command: FrontCommand, handle: unknown): void {
    switch (command.type) {
      case 'configure':
        this.#configure(command.settings);
        break;
      case 'listen':
        if (command.callKey !== undefined) this.#takeCalls(command.connector, command.callKey);
        this.#listen(command.connector, command.settings, handle);
        break;
      case 'pause':
        this.#pause(command.connector);
        break;
      case 'reconfigure':
        this.#reconfigure(command.settings, command.connectors);
        break;
      case 'routes':
        void this.#applyRoutes(command);
        break;
      case 'certificates':
        this.#useCertificates(command.connector, command.update);
        break;
      case 'staples':
        this.#connectors.get(command.connector)?.useStaples(command.changes);
        break;
      case 'ticket-keys':
        for (const connector of this.#connectors.values()) connector.useTicketKeys(command.keys);
        break;
      case 'http-challenges':
        this.#configured().dispatcher.setChallenges(command.tokens);
        break;
      case 'open-elsewhere':
        this.#shares.hear(command.open);
        break;
      case 'list-open':
        this.#listOpen(command.id, command.query);
        break;
      case 'report-drain':
        void this.#reportDrain(command.id, command.deployment);
        break;
      case 'report':
        this.#reportCounts(command.id);
        break;
      case 'drain':
        void this.#drain(command.deadlineMs);
        break;
    }
  }

  #configure(settings: FrontSettings): void {
    if (this.#world !== undefined)
      throw new PorticoError(
        'PORTICO_FRONT_CONFIGURED',
        'A front got `configure` twice; start a new one instead.',
      );
    const { report, problem } = this.#outside;
    const runtimes = new Runtimes(settings, {
      instanceLost: (instance, reason) => report({ type: 'instance-lost', instance, reason }),
      deploymentIdle: (deployment) => report({ type: 'deployment-idle', deployment }),
      wanted: (context) => report({ type: 'wanted', context }),
      upstreamFailed: ({ context, application }, failures) =>
        report({ type: 'upstream-failed', context, application, failures }),
      problem,
    });
    const accessLog = this.#openLog(settings);
    const mapping = new Mapping(runtimes, this.#counts, settings.virtualHosts !== undefined, settings);
    const dispatcher = new Dispatcher(mapping, this.#counts, accessLog, settings.virtualHosts);
    dispatcher.close(settings);
    if (settings.hasSiblings) this.#shares.share();
    this.#world = { settings, runtimes, mapping, accessLog, dispatcher };
    this.#reporter = setInterval(() => this.#reportCounts(undefined), REPORT_MS);
  }

  #openLog({ accessLog }: FrontSettings): AccessLog | undefined {
    if (accessLog === undefined) return undefined;
    return new AccessLog(accessLog, (lines) => {
      this.#counts.droppedLogLines += lines;
    });
  }

  #reconfigure(
    settings: FrontSettings,
    connectors: Extract<FrontCommand, { type: 'reconfigure' }>['connectors'],
  ): void {
    const world = this.#configured();
    const before = world.settings;
    world.settings = settings;
    if (!isDeepStrictEqual(before.virtualHosts, settings.virtualHosts)) {
      world.mapping.useVirtualHosts(settings.virtualHosts !== undefined);
      world.dispatcher.useVirtualHosts(settings.virtualHosts);
    }
    world.dispatcher.close(settings);
    if (!isDeepStrictEqual(before.accessLog, settings.accessLog)) {
      const former = world.accessLog;
      world.accessLog = this.#openLog(settings);
      world.dispatcher.useAccessLog(world.accessLog);
      void former?.close(LOG_CLOSE_MS);
    }
    for (const { connector, settings } of connectors) this.#replaceConnector(connector, settings);
  }

  /** Connections to come are treated by the new settings; those that are open end behind the request they have, or the next. */
  #replaceConnector(name: string, settings: ConnectorSettings): void {
    const former = this.#connectors.get(name);
    // One that is not there yet comes with settings that are in force by then.
    if (former === undefined || this.#isDraining) return;
    try {
      this.#connectors.set(name, this.#connectorOf(name, settings));
    } catch (error) {
      this.#outside.problem(`connector ${name} keeps its settings: ${messageOf(error)}`);
      return;
    }
    former.retire();
    this.#former.set(former, name);
    this.#shares.report();
  }

  #listOpen(id: number, query: OpenRequestQuery): void {
    // Those of connectors that have been replaced are open as well.
    const former = [...this.#former].map(([connector, name]) => [name, connector] as const);
    const found = openRequestsOf([...this.#connectors, ...former], query);
    this.#outside.report({ type: 'open-requests', id, ...found });
  }

  #takeCalls(connector: string, key: string): void {
    const { mapping, dispatcher } = this.#configured();
    this.#calls ??= { connector, gate: new CallGate(key, mapping, this.#counts, dispatcher) };
  }

  #listen(name: string, settings: ConnectorSettings, handle: unknown): void {
    this.#connectors.set(name, this.#connectorOf(name, settings));
    const server = handle instanceof Server ? handle : createServer();
    server.on('connection', (socket) => {
      const connector = this.#connectors.get(name);
      if (connector === undefined) socket.destroy();
      else connector.accept(socket);
    });
    server.on('error', (error) => this.#outside.problem(`connector ${name}: ${messageOf(error)}`));
    this.#servers.set(name, server);
    if (server.listening) {
      this.#outside.report({ type: 'listening', connector: name });
      return;
    }
    server.listen(handle, BACKLOG, () => this.#outside.report({ type: 'listening', connector: name }));
  }

  /** The server keeps the socket, so connections that come wait in the system until `listen`. */
  #pause(name: string): void {
    this.#servers.get(name)?.close();
    this.#servers.delete(name);
    const connector = this.#connectors.get(name);
    if (connector === undefined) return;
    this.#connectors.delete(name);
    connector.retire();
    this.#former.set(connector, name);
    this.#shares.report();
  }

  #connectorOf(name: string, settings: ConnectorSettings): Connector {
    const { dispatcher } = this.#configured();
    if (settings.httpChallenges !== undefined) dispatcher.setChallenges(settings.httpChallenges);
    const { maxConnections } = settings.limits;
    const calls = this.#calls?.connector === name ? this.#calls.gate : undefined;
    const connector: Connector = new Connector({
      settings,
      waives: calls === undefined ? dispatcher.waives : undefined,
      handler:
        calls?.handle ??
        handlerOf(dispatcher, settings, (exchange) => connector.isMisdirected(exchange.head)),
      descriptors: this.#descriptors,
      observer: {
        connectionOpened: () => {
          this.#counts.acceptedConnections++;
          this.#shares.opened(name, maxConnections);
        },
        finished:
          calls === undefined
            ? (exchange, result) => dispatcher.finished(exchange, result)
            : (exchange, result) => {
                calls.finished(exchange);
                dispatcher.finished(exchange, result);
              },
        refused: (...refusal) => dispatcher.refused(...refusal),
        closedByLimit: (reason) => this.#counts.closeByLimit(reason),
        handlerFailed: (exchange, error) =>
          this.#outside.problem(`${exchange.head.method} ${exchange.head.path}: ${messageOf(error)}`),
      },
    });
    return connector;
  }

  #useCertificates(name: string, update: CertificateUpdate): void {
    try {
      this.#connectors.get(name)?.useCertificates(update);
    } catch (error) {
      this.#outside.problem(`connector ${name} keeps its certificates: ${messageOf(error)}`);
    }
  }

  async #applyRoutes(command: Extract<FrontCommand, { type: 'routes' }>): Promise<void> {
    await this.#configured().mapping.apply(command.set, command.remove);
    this.#outside.report({ type: 'routes-applied', revision: command.revision });
  }

  #reportCounts(id: number | undefined): void {
    let open = 0;
    for (const connector of this.#allConnectors()) open += connector.openConnections;
    for (const connector of this.#former.keys()) {
      if (connector.openConnections > 0) continue;
      connector.dispose();
      this.#former.delete(connector);
    }
    this.#shares.report();
    const counts = this.#counts.take(open);
    const calls = this.#calls?.gate.tally.take() ?? [];
    const told = calls.length === 0 ? counts : { ...counts, calls };
    this.#outside.report({ type: 'counts', id, counts: told });
  }

  /** A second call is without effect: the first one has a deadline. */
  async #drain(deadlineMs: number): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const until = performance.now() + deadlineMs;
    const ofCalls = this.#connectors.get(this.#calls?.connector ?? '');
    // Only this process's copies of the sockets close; the server's keep taking connections for other fronts.
    for (const [name, server] of this.#servers) if (name !== this.#calls?.connector) server.close();
    this.#world?.mapping.giveUpWaiting();
    this.#counts.drainAll();
    this.#world?.runtimes.drain();
    await this.#drainConnectors(
      this.#allConnectors().filter((connector) => connector !== ofCalls),
      until,
    );
    // What was in flight may have had to call others for its answer.
    for (const server of this.#servers.values()) server.close();
    if (ofCalls !== undefined) await this.#drainConnectors([ofCalls], until);
    clearInterval(this.#reporter);
    this.#world?.runtimes.close();
    await this.#world?.accessLog?.close(LOG_CLOSE_MS);
    this.#reportCounts(undefined);
    this.#outside.report({ type: 'drained', drains: this.#counts.drains() }, () => this.#outside.exit(0));
  }

  async #drainConnectors(connectors: readonly Connector[], until: number): Promise<void> {
    const leftMs = Math.max(0, until - performance.now());
    const drain = (ms: number) => Promise.all(connectors.map((connector) => connector.drain(ms)));
    if (await within(drain(leftMs + LATER_MS), leftMs)) return;
    for (const connector of connectors)
      connector.eachOpen((exchange) => {
        const mapped = (exchange as Exchange).attachment as MappedContext | undefined;
        if (!exchange.isEnded) mapped?.deployment?.doom(exchange.head);
      });
    await drain(Math.max(0, until - performance.now()));
  }

  async #reportDrain(id: number, deployment: string): Promise<void> {
    const until = performance.now() + DRAIN_REPORT_MS;
    let found = this.#counts.drainOf(deployment);
    // Its instances have ended; the connections of clients close within moments.
    while (found?.isOver === false && performance.now() < until) {
      await delay(POLL_MS);
      found = this.#counts.drainOf(deployment);
    }
    this.#outside.report({ type: 'drain-report', id, report: found?.report });
  }

  #allConnectors(): Connector[] {
    return [...this.#connectors.values(), ...this.#former.keys()];
  }

  #configured(): World {
    if (this.#world !== undefined) return this.#world;
    throw new PorticoError(
      'PORTICO_FRONT_NOT_CONFIGURED',
      'A front got another command before `configure`; send `configure` first.',
    );
  }
}

/** What answers on a connector. */
function handlerOf(
  dispatcher: Dispatcher,
  { tls, redirect }: ConnectorSettings,
  isMisdirected: (exchange: Exchange) => boolean,
): ExchangeHandler {
  if (redirect !== undefined) return dispatcher.redirecting(redirect);
  if (tls?.strictSni !== true) return dispatcher.handle;
  return (exchange) => {
    if (isMisdirected(exchange)) dispatcher.refuseMisdirected(exchange);
    else dispatcher.handle(exchange);
  };
}

/** What a front has once it is configured. */
interface World {
  readonly runtimes: Runtimes;
  readonly mapping: Mapping;
  settings: FrontSettings;
  accessLog: AccessLog | undefined;
  readonly dispatcher: Dispatcher;
}

/** What the server has asked for; the system remembers who said it last. */
const BACKLOG = 4096;
const REPORT_MS = 1000;
const LOG_CLOSE_MS = 1000;
/** Connectors keep the deadline themselves, a little later: what they would cut is noted first. */
const LATER_MS = 1000;
/** Longest wait for what is just ending, when somebody asks how a drain ended. */
const DRAIN_REPORT_MS = 500;
const POLL_MS = 10;
