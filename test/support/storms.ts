import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

/** What a client does that goes away: what it sends, and what of the answer it waits for before. */
interface Stage {
  readonly name: string;
  readonly bytes: string;
  /** Goes when this has come; otherwise a moment after it has sent. */
  readonly until?: string;
}

const head = (line: string, fields: string) => `${line} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** Every stage at which a client can go away from `test/fixtures/storms/server.mjs` below `/app`. */
export const STAGES: readonly Stage[] = [
  { name: 'before it has said anything', bytes: '' },
  { name: 'within the head', bytes: 'GET /app/ HTTP/1.1\r\nHo' },
  { name: 'before the answer', bytes: head('GET /app/hang', '') },
  { name: 'within the body', bytes: `${head('POST /app/hang', 'Content-Length: 1000\r\n')}part` },
  { name: 'before 100', bytes: head('POST /app/hang', 'Expect: 100-continue\r\nContent-Length: 9\r\n') },
  {
    name: 'within a chunk, while both talk',
    bytes: `${head('POST /app/back', 'Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n5\r\nhe`,
    until: 'hello',
  },
  {
    name: 'between two chunks',
    bytes: `${head('POST /app/back', 'Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n`,
    until: 'hello',
  },
  {
    name: 'within the trailers',
    bytes: `${head('POST /app/hang', 'Transfer-Encoding: chunked\r\n')}0\r\nX: `,
  },
  { name: 'between two parts of the answer', bytes: head('GET /app/stream', ''), until: 'first' },
  { name: 'within an answer that does not end', bytes: head('GET /app/endless', ''), until: 'HTTP/1.1 200' },
  { name: 'idle, behind an answer', bytes: head('GET /app/', ''), until: '/ 0' },
  { name: 'with requests waiting', bytes: head('GET /app/hang', '') + head('GET /app/', '').repeat(50) },
  {
    name: 'in a tunnel',
    bytes: head('GET /app/', 'Connection: Upgrade\r\nUpgrade: echo\r\n'),
    until: 'hello',
  },
];

/** How a client goes: closes, resets, or closes its direction only and stays until the server ends it. */
export type Leaving = 'close' | 'reset' | 'half';

/** Connects (with TLS if wanted), does what the stage says, and goes. Resolves when the connection is over. */
export function leave(port: number, stage: Stage, leaving: Leaving, isSecure = false): Promise<void> {
  return new Promise((resolve) => {
    const plain = connect({ port, host: '127.0.0.1', allowHalfOpen: leaving === 'half' });
    const socket = isSecure ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain;
    const go = (): void => {
      if (leaving === 'close') socket.destroy();
      else if (leaving === 'reset') plain.resetAndDestroy();
      else socket.end();
    };
    let text = '';
    socket.on(isSecure ? 'secureConnect' : 'connect', () => {
      socket.write(stage.bytes);
      if (stage.until === undefined) setTimeout(go, 5);
    });
    socket.on('data', (chunk: Buffer) => {
      if (stage.until === undefined || socket.writableEnded) return;
      text += chunk.toString('latin1', 0, 1024);
      if (text.includes(stage.until)) go();
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve());
    plain.on('error', () => plain.destroy());
    plain.on('close', () => socket.destroy());
  });
}

/** Opens idle connections; resolves when all have connected, or were turned away. */
export async function openIdle(port: number, count: number, bytes = ''): Promise<Socket[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      // The queue of the system is not endless.
      await delay(Math.floor(index / 100) * 20);
      return await new Promise<Socket>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('connect', () => {
          if (bytes === '') resolve(socket);
          else socket.write(bytes);
        });
        socket.once('data', () => resolve(socket));
        socket.on('error', () => socket.destroy());
        socket.on('close', () => resolve(socket));
      });
    }),
  );
}
