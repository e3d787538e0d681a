/**
 * An instance in a process of its own, for tests that kill it: `node killable-instance.js SOCKET SECRET`. Prints
 * `listening`. `/begun` begins a response and leaves it open, `/silent` never answers, anything else is answered.
 */
import { ExchangeServer } from '#host/exchange/exchange-server.js';

const [, , socketPath = '', secret = ''] = process.argv;

const server = new ExchangeServer({
  socketPath,
  secret,
  handler: (exchange) => {
    const { path } = exchange.head;
    if (path === '/begun') {
      exchange.begin(200, ['content-type', 'text/plain']);
      exchange.write(Buffer.from('begun'));
    } else if (path !== '/silent') exchange.respond(200, [], `pid ${process.pid}`);
  },
});
await server.listen();
process.stdout.write('listening\n');
