import { createServer, type RequestListener, type Server } from 'node:http';
import { ListenCapture } from '#host/instance/listen-capture.js';
import { VirtualConnections } from '#host/instance/virtual-connections.js';
import { ScriptedExchange, type ScriptedRequest } from '#test/support/scripted-exchange.js';

/** An HTTP server without a port, that gets scripted exchanges as the agent would give them. */
export class VirtualServer {
  readonly server: Server;
  readonly connections: VirtualConnections;

  constructor(application: RequestListener | Server, mount = { contextPath: '/shop', isStripped: true }) {
    this.server = typeof application === 'function' ? createServer(application) : application;
    new ListenCapture(() => undefined).adopt(this.server);
    this.connections = new VirtualConnections(this.server, mount);
  }

  /** Begins an exchange; the test sends the body. */
  open(request: ScriptedRequest = {}): ScriptedExchange {
    const exchange = new ScriptedExchange(request);
    this.connections.handle(exchange);
    return exchange;
  }

  /** Sends a whole request and waits for the end of the response. */
  async fetch(request: ScriptedRequest = {}, body?: string): Promise<ScriptedExchange> {
    const exchange = this.open({ bodyLength: body === undefined ? 0 : Buffer.byteLength(body), ...request });
    exchange.send(...(body === undefined ? [] : [body]));
    await exchange.done;
    return exchange;
  }

  /** Open connections as `net.Server` counts them. */
  countConnections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  close(): void {
    this.connections.destroy();
    this.server.close();
  }
}
