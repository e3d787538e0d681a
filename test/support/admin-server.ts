import { request } from 'node:http';
import type { AdminCollaborators, Readiness, ReloadResult } from '#host/admin/admin-collaborators.js';
import { AdminServer } from '#host/admin/admin-server.js';
import type { TrafficTotals } from '#host/admin/traffic.js';
import type { ApplicationStatus, Deployments } from '#host/deployer/application-status.js';
import type { DeploymentView } from '#host/deployer/history/deployment-view.js';
import type { Foreseen } from '#host/deployer/plan/foresee.js';
import { PorticoError } from '#host/errors.js';
import { EventLog } from '#host/log/event-log.js';
import { createServerLog, silentLog } from '#host/log/server-log.js';

export const TOKEN = 'a'.repeat(64);

/** Deployments that only remember what they were asked for. */
export class RememberedDeployments implements Deployments {
  readonly asked: string[] = [];
  readonly statuses: ApplicationStatus[];
  /** What the next action rejects with. */
  failure: Error | undefined;

  constructor(statuses: ApplicationStatus[]) {
    this.statuses = statuses;
  }
  list(): readonly ApplicationStatus[] {
    return this.statuses;
  }
  find(nameOrPath: string): ApplicationStatus | undefined {
    return this.statuses.find(({ name, path }) => name === nameOrPath || path === nameOrPath);
  }
  start(name: string): Promise<ApplicationStatus> {
    return this.#act('start', name);
  }
  stop(name: string): Promise<ApplicationStatus> {
    return this.#act('stop', name);
  }
  reload(name: string): Promise<ApplicationStatus> {
    return this.#act('reload', name);
  }
  rollback(name: string, to?: string): Promise<ApplicationStatus> {
    return this.#act(to === undefined ? 'rollback' : `rollback to ${to}`, name);
  }
  /** By name. */
  readonly histories = new Map<string, readonly DeploymentView[]>();
  deployments(name: string): readonly DeploymentView[] | undefined {
    return this.histories.get(name);
  }
  foreseen: readonly Foreseen[] = [];
  async foresee(): Promise<readonly Foreseen[]> {
    return this.foreseen;
  }
  async undeploy(name: string): Promise<void> {
    await this.#act('undeploy', name);
  }
  async #act(action: string, name: string): Promise<ApplicationStatus> {
    this.asked.push(`${action} ${name}`);
    if (this.failure !== undefined) throw this.failure;
    const status = this.find(name);
    if (status === undefined) throw new PorticoError('PORTICO_APPLICATION_UNKNOWN', name);
    return status;
  }
}

export function applicationStatus(name: string, more: Partial<ApplicationStatus> = {}): ApplicationStatus {
  return {
    name,
    path: `/${name}`,
    version: '',
    state: 'running',
    kind: 'framework',
    reason: undefined,
    pendingFailure: undefined,
    lastOutput: [],
    instances: [],
    bundle: `${name}.tgz`,
    fingerprint: undefined,
    deployedAt: undefined,
    ...more,
  };
}

/** An admin server on a free port, and what it was given. */
export class TestAdmin {
  readonly deployments: RememberedDeployments;
  readonly stops: number[] = [];
  readonly events = new EventLog();
  /** A log whose events the server lists. */
  readonly log = createServerLog({ events: this.events, out: { write: () => true } });
  readiness: Readiness = { firstPassDone: true, listening: true, draining: false };
  traffic: TrafficTotals = {
    contexts: [],
    openConnections: 0,
    acceptedConnections: 0,
    refused: {},
    closedByLimit: {},
    droppedLogLines: 0,
  };
  port = 0;
  #server: AdminServer | undefined;
  readonly #allowedHosts: readonly string[];

  reload: () => Promise<ReloadResult> = () => Promise.resolve({ changed: ['hosts'], needsRestart: [] });

  constructor(statuses: ApplicationStatus[], allowedHosts: readonly string[] = []) {
    this.deployments = new RememberedDeployments(statuses);
    this.#allowedHosts = allowedHosts;
  }

  async start(port = 0): Promise<this> {
    const collaborators: AdminCollaborators = {
      deployments: this.deployments,
      events: this.events,
      server: {
        version: '1.2.3',
        base: '/srv/portico',
        startedAt: new Date(),
        connectors: () => [{ name: 'http', host: '0.0.0.0', port: 8080 }],
        fronts: () => [{ number: 1, pid: 7, state: 'running', restarts: 2, startedAt: undefined }],
        traffic: () => Promise.resolve(this.traffic),
        readiness: () => this.readiness,
        reload: () => this.reload(),
        stop: () => this.stops.push(Date.now()),
      },
    };
    this.#server = new AdminServer({
      ...collaborators,
      host: '127.0.0.1',
      port,
      token: TOKEN,
      allowedHosts: this.#allowedHosts,
      log: silentLog(),
    });
    this.port = (await this.#server.start()).port;
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  /** Sends a request with exactly this target; with the token unless `headers` says otherwise. */
  ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = { authorization: `Bearer ${TOKEN}`, ...headers };
      const asking = request({
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        headers: sent,
        agent: false,
      });
      asking.once('error', reject);
      asking.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) }),
        );
      });
      asking.end(body);
    });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
