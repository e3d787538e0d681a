import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MaintenanceState, ReloadResult } from '../admin/admin-collaborators.js';
import { ADMIN_TOKEN_FILE } from '../admin/admin-token.js';
import type { ApplicationStatus } from '../deployer/application-status.js';
import type { DeploymentView } from '../deployer/history/deployment-view.js';
import type { JobRun } from '../deployer/jobs/job-runs.js';
import type { JobStatus } from '../deployer/jobs/jobs.js';
import type { CanaryStatus } from '../deployer/live/canaries.js';
import type { Foreseen } from '../deployer/plan/foresee.js';
import { messageOf, PorticoError } from '../errors.js';
import type { OpenRequest } from '../front/messages.js';
import type { HostEvent } from '../log/event-log.js';
import { type RunFile, readRunFile } from '../server/run-file.js';
import type { SpareStatus } from '../supervisor/spares/spare-processes.js';
import type { CertificateState } from './certificate-table.js';
import type { RunningHost } from './running-host.js';

/** Talks to the admin connector of the server that runs on a base folder. */
export class AdminClient {
  readonly server: RunFile;
  readonly #token: string;

  private constructor(server: RunFile, token: string) {
    this.server = server;
    this.#token = token;
  }

  /** Throws `PORTICO_NOT_RUNNING` when no server runs on this base folder. */
  static of(config: RunningHost): AdminClient {
    const server = readRunFile(config.folders.run);
    if (server === undefined) {
      throw new PorticoError(
        'PORTICO_NOT_RUNNING',
        `No server runs on ${config.base}. Start one with "portico start", or name its folder with --base.`,
      );
    }
    const file = join(config.folders.run, ADMIN_TOKEN_FILE);
    try {
      return new AdminClient(server, readFileSync(file, 'utf8').trim());
    } catch (cause) {
      throw new PorticoError(
        'PORTICO_TOKEN_UNREADABLE',
        `Cannot read the admin token in ${file}. Run this command as the user who runs the server.`,
        { cause },
      );
    }
  }

  async list(): Promise<ApplicationStatus[]> {
    return ((await this.#request('GET', '/v1/applications')) as { applications: ApplicationStatus[] })
      .applications;
  }

  async status(name: string): Promise<ApplicationStatus> {
    return applicationOf(await this.#request('GET', `/v1/applications/${encodeURIComponent(name)}`));
  }

  async command(name: string, verb: 'start' | 'stop' | 'reload'): Promise<ApplicationStatus> {
    const path = `/v1/applications/${encodeURIComponent(name)}/${verb}`;
    return applicationOf(await this.#request('POST', path));
  }

  async rollback(name: string, to: string | undefined): Promise<ApplicationStatus> {
    const query = to === undefined ? '' : `?to=${encodeURIComponent(to)}`;
    const path = `/v1/applications/${encodeURIComponent(name)}/rollback${query}`;
    return applicationOf(await this.#request('POST', path));
  }

  async plan(): Promise<readonly Foreseen[]> {
    return ((await this.#request('GET', '/v1/plan')) as { plan: Foreseen[] }).plan;
  }

  /** Newest first. */
  async deployments(name: string): Promise<readonly DeploymentView[]> {
    const path = `/v1/applications/${encodeURIComponent(name)}/deployments`;
    return ((await this.#request('GET', path)) as { deployments: DeploymentView[] }).deployments;
  }

  async undeploy(name: string): Promise<void> {
    await this.#request('DELETE', `/v1/applications/${encodeURIComponent(name)}`);
  }

  async canary(name: string): Promise<CanaryStatus> {
    const path = `/v1/applications/${encodeURIComponent(name)}/canary`;
    return ((await this.#request('GET', path)) as { canary: CanaryStatus }).canary;
  }

  async endCanary(name: string, verb: 'promote' | 'abort'): Promise<void> {
    await this.#request('POST', `/v1/applications/${encodeURIComponent(name)}/canary/${verb}`);
  }

  async jobs(name: string): Promise<readonly JobStatus[]> {
    const path = `/v1/applications/${encodeURIComponent(name)}/jobs`;
    return ((await this.#request('GET', path)) as { jobs: JobStatus[] }).jobs;
  }

  async runJob(name: string, job: string): Promise<JobRun> {
    const path = `/v1/applications/${encodeURIComponent(name)}/jobs/${encodeURIComponent(job)}/run`;
    return ((await this.#request('POST', path)) as { run: JobRun }).run;
  }

  /** Processes that wait for an application; undefined: the host does not say. */
  async spares(): Promise<SpareStatus | undefined> {
    const { server } = (await this.#request('GET', '/v1/server')) as { server: { spares?: SpareStatus } };
    return server.spares;
  }

  async certificates(): Promise<CertificateState> {
    return (await this.#request('GET', '/v1/certificates')) as CertificateState;
  }

  /** Of one connector, or of all. */
  async reloadCertificates(connector: string | undefined): Promise<CertificateState> {
    const query = connector === undefined ? '' : `?connector=${encodeURIComponent(connector)}`;
    return (await this.#request('POST', `/v1/certificates/reload${query}`)) as CertificateState;
  }

  /** With a higher number than `after`, oldest first; of one application, or of everything. */
  async events(application: string | undefined, after: number): Promise<readonly HostEvent[]> {
    const query = new URLSearchParams({
      after: String(after),
      ...(application !== undefined && { application }),
    });
    return ((await this.#request('GET', `/v1/events?${query}`)) as { events: HostEvent[] }).events;
  }

  /** `olderThan`: a duration; undefined: the default of the server. */
  async requests(
    name: string,
    olderThan: string | undefined,
  ): Promise<{ readonly requests: readonly OpenRequest[]; readonly total: number }> {
    const query = olderThan === undefined ? '' : `?olderThan=${encodeURIComponent(olderThan)}`;
    const path = `/v1/applications/${encodeURIComponent(name)}/requests${query}`;
    return (await this.#request('GET', path)) as { requests: readonly OpenRequest[]; total: number };
  }

  async maintenance(): Promise<readonly MaintenanceState[]> {
    const body = await this.#request('GET', '/v1/maintenance');
    return (body as { maintenance: readonly MaintenanceState[] }).maintenance;
  }

  async reloadServer(): Promise<ReloadResult> {
    return ((await this.#request('POST', '/v1/server/reload')) as { reload: ReloadResult }).reload;
  }

  async stopServer(): Promise<void> {
    await this.#request('POST', '/v1/server/stop');
  }

  /** A command that has no answer. */
  async post(path: string, method: 'POST' | 'DELETE' = 'POST'): Promise<void> {
    await this.#request(method, path);
  }

  async #request(method: string, path: string): Promise<unknown> {
    const { host, port } = this.server.admin;
    let response: Response;
    try {
      response = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(120_000),
      });
    } catch (cause) {
      throw new PorticoError(
        'PORTICO_ADMIN_UNREACHABLE',
        `The admin connector at ${host}:${port} does not answer: ${messageOf(cause)}. Try again, or stop the server with SIGTERM.`,
        { cause },
      );
    }
    const text = await response.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw errorOf(response.status, body);
    return body;
  }
}

function applicationOf(body: unknown): ApplicationStatus {
  return (body as { application: ApplicationStatus }).application;
}

function errorOf(status: number, body: unknown): PorticoError {
  const error = (body as { error?: { code?: string; message?: string } } | undefined)?.error;
  return new PorticoError(
    error?.code ?? 'PORTICO_ADMIN_ERROR',
    error?.message ?? `The server answered with ${status}. Its log tells why.`,
  );
}
