import { request } from 'node:http';
import type { InstanceAddress } from '../../front/messages.js';

/**
 * The status of a GET to a program that serves HTTP by itself; its body is dropped. Rejects with what the system says, or
 * when there is no answer within `timeoutMs`.
 */
export function askProgram(
  { httpPort = 0, socketPath }: InstanceAddress,
  path: string,
  timeoutMs: number,
): Promise<number> {
  const address = httpPort > 0 ? { host: '127.0.0.1', port: httpPort } : { socketPath };
  const headers = { host: 'localhost', 'user-agent': 'portico-health' };
  return new Promise((resolve, reject) => {
    const asked = request({ ...address, path, headers, agent: false });
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    asked.once('close', () => clearTimeout(timer));
    asked.once('error', reject);
    asked.once('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    asked.end();
  });
}
