import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { EmbeddedEngine } from 'portico/embedded';
import { startEmbedded } from '#test/support/embedded-engine.js';
import { startFront } from '#test/support/http1-corpus/subject.js';
import { echoes } from './framework-application.js';
import type { RawWebSocket } from './raw-web-socket.js';

/** A server with the path `/echo`. */
export interface WebSocketSubject {
  readonly port: number;
  /** Opens a session where that is not an upgrade of HTTP/1.1. */
  open?(path: string, extensions: readonly string[]): Promise<RawWebSocket<Duplex>>;
  stop(): Promise<void>;
}

const HERE = dirname(fileURLToPath(import.meta.url));

/** The framework application on an engine of its own, in this process. */
export async function startEngine(engine: EmbeddedEngine): Promise<WebSocketSubject> {
  const { engine: server, port } = await startEmbedded(engine, echoes);
  return { port, stop: async () => void (await server.stop(0)) };
}

/** Front and instance as processes: the framework application, or the program that knows `ws` only. */
export function startBehindFront(application: 'framework' | 'ws'): Promise<WebSocketSubject> {
  return application === 'ws'
    ? startFront({ kind: 'main', main: `${HERE}/ws-application.js` }, HERE)
    : startFront({ kind: 'modules', modules: ['framework-application.js#echoes'] }, HERE);
}
