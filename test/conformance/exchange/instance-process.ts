import type { Exchange } from '#host/exchange/exchange.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';

/**
 * An instance in a process of its own, for the tests in which it dies, hangs or misbehaves. Started with `fork`;
 * arguments: socket path, secret. Reports 'up', and on the message 'memory' its resident bytes.
 */
const [socketPath = '', secret = ''] = process.argv.slice(2);

function endless(exchange: Exchange): void {
  const chunk = Buffer.alloc(16 * 1024, 'endless ');
  const pump = (): void => {
    while (exchange.write(chunk));
  };
  exchange.listen({ data: () => undefined, end: () => undefined, drain: pump, aborted: () => undefined });
  exchange.begin(200, ['content-type', 'application/octet-stream']);
  pump();
}

const answers: Record<string, (exchange: Exchange) => void> = {
  '/hello': (exchange) => exchange.respond(200, ['content-type', 'text/plain'], 'hello'),
  '/endless': endless,
  '/silent': (exchange) => exchange.listen(silent),
  '/throw': () => {
    throw new Error('the handler threw');
  },
  '/throw-in-data': (exchange) => exchange.listen({ ...silent, data: thrower }),
  '/throw-in-end': (exchange) => exchange.listen({ ...silent, end: thrower }),
  '/exit': () => process.exit(3),
};
const silent = {
  data: () => undefined,
  end: () => undefined,
  drain: () => undefined,
  aborted: () => undefined,
};

function thrower(): never {
  throw new Error('the listener threw');
}

process.on('uncaughtException', (error) => process.send?.(`uncaught: ${error.message}`));
process.on('message', () => process.send?.({ resident: process.memoryUsage().rss }));
process.on('disconnect', () => process.exit());
const server = new ExchangeServer({
  socketPath,
  secret,
  handler: (exchange) => answers[exchange.head.path]?.(exchange),
});
await server.listen();
process.send?.('up');
