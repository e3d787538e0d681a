import { AdminClient } from './admin-client.js';
import type { BaseOptions } from './base-options.js';
import { runningHostOf } from './running-host.js';

/** `portico suspend`, `portico resume`: the whole host. */
export async function suspend(verb: 'suspend' | 'resume', options: BaseOptions): Promise<void> {
  await AdminClient.of(runningHostOf(options)).post(`/v1/server/${verb}`);
  process.stdout.write(
    verb === 'suspend'
      ? 'the host is suspended: it is not ready, and new requests get 503 until "portico resume"\n'
      : 'the host serves again\n',
  );
}

/** `portico connector pause|resume NAME`. */
export async function connector(verb: string, name: string, options: BaseOptions): Promise<void> {
  await AdminClient.of(runningHostOf(options)).post(`/v1/connectors/${encodeURIComponent(name)}/${verb}`);
  process.stdout.write(
    verb === 'pause'
      ? `connector ${name} is paused: new connections wait in the system until "portico connector resume ${name}"\n`
      : `connector ${name} accepts again\n`,
  );
}
