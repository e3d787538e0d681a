// The lines of the group `connector` on bare Node: `node node.mjs http|https|h2 [KEY CERT]`; prints its port.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';

const LARGE = 'x'.repeat(100 * 1024);
const [kind, keyFile, certFile] = process.argv.slice(2);
const tls = keyFile === undefined ? {} : { key: readFileSync(keyFile), cert: readFileSync(certFile) };

function handle(request, response) {
  if (request.method !== 'POST') {
    answer(response, request.url === '/large' ? LARGE : 'Hello World\n');
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(response, `${Buffer.concat(chunks).length}\n`));
}

function answer(response, body) {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length });
  response.end(body);
}

const server =
  kind === 'http'
    ? createServer(handle)
    : kind === 'https'
      ? createHttpsServer(tls, handle)
      : createSecureServer(tls, handle);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
