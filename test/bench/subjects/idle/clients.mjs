// Holds connections: `node clients.mjs PORT COUNT PATH`. Each sends one request and keeps the connection; without a PATH
// none is sent. From several source addresses, as one has no more than 28,000 ports. Prints `COUNT open` when all
// are answered, `lost` for each that is closed; ends with its standard input.
import { connect } from 'node:net';

const [port, count, path] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const request = `GET ${path} HTTP/1.1\r\nHost: idle\r\n\r\n`;
const AT_ONCE = 100;
let started = 0;
let open = 0;

function next() {
  if (started === count) return;
  const index = started++;
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.${1 + (index % 4)}.1` });
  let isReady = false;
  const ready = () => {
    if (isReady) return;
    isReady = true;
    if (++open === count) console.log(`${open} open`);
    next();
  };
  socket.on('connect', () => (path === undefined ? ready() : socket.write(request)));
  socket.on('data', ready);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    console.log('lost');
    next();
  });
}

for (let i = 0; i < Math.min(AT_ONCE, count); i++) next();
process.stdin.resume().on('end', () => process.exit());
