import { resolve } from 'node:path';
import { parseDuration } from '../units.js';
import { AdminClient } from './admin-client.js';
import type { BaseOptions } from './base-options.js';
import { runningHostOf } from './running-host.js';

/** `portico maintenance on|off NAME [--file page.html] [--retry-after 10m]`. */
export async function maintenance(
  verb: string,
  name: string,
  options: BaseOptions & { readonly file?: string; readonly retryAfter?: string },
): Promise<void> {
  const client = AdminClient.of(runningHostOf(options));
  const path = `/v1/applications/${encodeURIComponent(name)}/maintenance`;
  if (verb === 'off') {
    await client.post(path, 'DELETE');
    process.stdout.write(`${name} is open again\n`);
    return;
  }
  const { file, retryAfter } = options;
  const query = new URLSearchParams({
    ...(file === undefined ? {} : { file: resolve(file) }),
    ...(retryAfter === undefined ? {} : { retryAfter: String(Math.ceil(parseDuration(retryAfter) / 1000)) }),
  });
  await client.post(`${path}?${query}`);
  process.stdout.write(`${name} is closed for maintenance until "portico maintenance off ${name}"\n`);
}
