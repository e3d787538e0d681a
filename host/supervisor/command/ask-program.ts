import { request } from 'node:http';
import type { InstanceAddress } from '../../front/messages.js';

/** A request of the host itself to a program. */
export interface ProgramQuestion {
  readonly method: string;
  /** Path and query as the program sees them. */
  readonly path: string;
  /** Names and values, besides `Host`. */
  readonly fields: readonly string[];
  readonly timeoutMs: number;
  /** What is waited for: the head of the answer, or all of it. */
  readonly until: 'head' | 'end';
}

/**
 * Asks a program that serves HTTP by itself; resolves with the status of the answer, whose body is dropped. Rejects with what
 * the system says, or when there is no answer in time.
 */
export function askProgram(
  { httpPort = 0, socketPath }: Pick<InstanceAddress, 'httpPort' | 'socketPath'>,
  { method, path, fields, timeoutMs, until }: ProgramQuestion,
): Promise<number> {
  const address = httpPort > 0 ? { host: '127.0.0.1', port: httpPort } : { socketPath };
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', ...(method === 'GET' ? {} : { 'content-length': '0' }) };
    const asked = request({ ...address, method, path, headers, agent: false });
    for (let index = 0; index < fields.length; index += 2)
      asked.setHeader(fields[index] ?? '', fields[index + 1] ?? '');
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    asked.once('close', () => clearTimeout(timer));
    asked.on('error', reject);
    asked.once('response', (response) => {
      const status = response.statusCode ?? 0;
      if (until === 'head') {
        resolve(status);
        response.destroy();
        return;
      }
      response.once('error', (error) => reject(new Error(`no whole answer: ${error.message}`)));
      response.once('end', () => resolve(status));
      response.resume();
    });
    asked.end();
  });
}
