import { type Application, ConsoleLog } from 'portico';
import {
  type ApplicationEngine,
  type EmbeddedEngine,
  type EmbeddedSettings,
  embeddedServer,
} from 'portico/embedded';

/** An engine with sockets of its own, started in this process on a free port and silent. Whoever starts it stops it. */
export async function startEmbedded(
  kind: EmbeddedEngine,
  module: (application: Application) => void,
  settings: EmbeddedSettings = {},
): Promise<{ readonly engine: ApplicationEngine; readonly port: number }> {
  const log = new ConsoleLog('silent');
  const engine = embeddedServer(kind, { host: '127.0.0.1', port: 0, log, ...settings }, module);
  await engine.start();
  return { engine, port: await portOf(engine) };
}

/** Port of the first connector of a started engine. */
export async function portOf(engine: ApplicationEngine): Promise<number> {
  return (await engine.resolvedConnectors())[0]?.port ?? 0;
}
