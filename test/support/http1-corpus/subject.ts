import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Application } from 'portico';
import { CIO, type EmbeddedSettings } from 'portico/embedded';
import type { BootPlan } from '#host/instance/messages.js';
import { AgentProcess } from '#test/support/agent-process.js';
import { TestServer } from '#test/support/connector-server.js';
import { startEmbedded } from '#test/support/embedded-engine.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import type { SubjectName } from './case.js';
import { application } from './exchange-application.js';
import { conformance } from './framework-application.js';
import serverApplication from './server-application.js';

/** A server of the application that answers with what it saw. */
export interface Subject {
  readonly name: SubjectName;
  readonly port: number;
  stop(): Promise<void>;
}

/** The connector alone, with everything that it told its observer. */
export async function startConnector(): Promise<Subject & { readonly server: TestServer }> {
  const server = await TestServer.start(application);
  return { name: 'connector', port: server.port, server, stop: () => server.stop() };
}

/** A framework application on its own; by default the one that answers with what it saw. */
export async function startCio(
  module: (application: Application) => void = conformance,
  settings: EmbeddedSettings = {},
): Promise<Subject> {
  const { engine, port } = await startEmbedded(CIO, module, settings);
  return { name: 'cio', port, stop: async () => void (await engine.stop(0)) };
}

const HERE = dirname(fileURLToPath(import.meta.url));

/** A Node server in a file of this folder, as it would be in a bundle. */
export function serverEntry(file: string): BootPlan['entry'] {
  return { kind: 'main', main: join(HERE, file) };
}

/** The front as a process, with an instance as a process behind it. */
export async function startFront(
  entry: BootPlan['entry'] = serverEntry('server-application.js'),
  bundle = HERE,
): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'portico-c-'));
  const address = { instance: 'test@1/1#1', socketPath: join(folder, 's'), secret: 'd4'.repeat(32) };
  const agent = new AgentProcess(bundle, entry, { contextPath: '', ...address });
  const front = await TestFront.start();
  await agent.report('ready');
  await front.route([routeOf('', processTarget('test@1', [address]))]);
  const stop = async (): Promise<void> => {
    await front.stop();
    await agent.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { name: 'front', port: front.port, stop };
}

/** The front as a process, with an application of the framework behind it. */
export async function startFramework(): Promise<Subject> {
  const front = await startFront({ kind: 'modules', modules: ['framework-application.js#conformance'] });
  return { ...front, name: 'framework' };
}

/** The front as a process, with a server of Node's at a URL behind it. */
export async function startUpstream(): Promise<Subject> {
  const upstream = await startNode();
  const front = await TestFront.start();
  const url = `http://127.0.0.1:${upstream.port}`;
  await front.route([routeOf('', { kind: 'upstream', deployment: 'test@1', urls: [url], prefix: 'strip' })]);
  const stop = async (): Promise<void> => {
    await front.stop();
    await upstream.stop();
  };
  return { name: 'upstream', port: front.port, stop };
}

/** Bare `node:http` with its defaults. */
export async function startNode(): Promise<Subject> {
  const server = createServer({ insecureHTTPParser: false }, serverApplication);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { name: 'node', port: (server.address() as AddressInfo).port, stop };
}
