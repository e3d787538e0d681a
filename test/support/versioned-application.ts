import type { TestHost } from '#test/support/host.js';

/**
 * A Node server that answers with its version, to a WebSocket too; `/failing` is 500 when it is told so, `/copied` the
 * copies of requests it got, `/events`
 * a stream that does not end. `servlet` is its section of settings.
 */
export function versioned(version: string, servlet = '{}', fails = false): Record<string, string> {
  return {
    'application.yaml': `portico: { application: { main: server.mjs }, servlet: ${servlet} }\n`,
    'server.mjs': `import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
const copied = [];
const server = createServer((request, response) => {
  if (request.headers['portico-shadow'] !== undefined) copied.push(request.method + ' ' + request.url);
  if (request.url === '/copied') return response.end(JSON.stringify(copied));
  if (request.url === '/events') {
    response.setHeader('content-type', 'text/event-stream');
    return response.write('data: ' + ${JSON.stringify(version)});
  }
  if (${fails} && request.url === '/failing') response.statusCode = 500;
  response.end(${JSON.stringify(version)});
});
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.send(${JSON.stringify(version)});
  socket.on('message', (text) => socket.send(${JSON.stringify(`${version}:`)} + text));
});
server.listen(process.env.PORT);
`,
  };
}

/** A browser as far as cookies go: keeps what it is told, by name, and sends it to every path. */
export class CookieClient {
  readonly cookies = new Map<string, string>();
  /** The last Set-Cookie of each name, whole. */
  readonly set = new Map<string, string>();
  /** May be another one, after a restart. */
  host: TestHost;

  constructor(host: TestHost, cookies: Readonly<Record<string, string>> = {}) {
    this.host = host;
    for (const [name, value] of Object.entries(cookies)) this.cookies.set(name, value);
  }

  get header(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const cookie = this.header === '' ? {} : { cookie: this.header };
    const response = await this.host.get(path, { headers: { ...cookie, ...headers } });
    for (const text of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      this.cookies.set(name, value);
      this.set.set(name, text);
    }
    return response;
  }

  /** Follows redirects, as a browser does. */
  async text(path: string): Promise<string> {
    const response = await this.get(path);
    const location = response.headers.get('location');
    return location === null ? await response.text() : await this.text(location);
  }
}
