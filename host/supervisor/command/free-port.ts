import { createServer } from 'node:net';

/**
 * A port of 127.0.0.1 that is free now. Nothing reserves it: whoever gets it must check who listens there in the end. Rejects
 * with what the system says when there is none.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
