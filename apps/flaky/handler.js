// A plain (req, res) function that misbehaves on request: see what the container makes of it.
/** @type {unknown[]} */
const leaked = [];

/** @type {Record<string, [string, (response: import('node:http').ServerResponse) => void]>} */
const acts = {
  '/crash': [
    'throws in a timer',
    () =>
      setTimeout(() => {
        throw new Error('flaky: asked to crash');
      }),
  ],
  '/exit': ['calls process.exit(3)', () => process.exit(3)],
  '/abort': ['calls process.abort()', () => process.abort()],
  '/block': [
    'blocks the event loop for good',
    () => {
      for (;;);
    },
  ],
  '/leak': [
    'fills the heap until it breaks',
    () => {
      for (;;) leaked.push(new Array(1000).fill(leaked.length));
    },
  ],
  '/hang': ['never answers', () => undefined],
  '/half': [
    'sends half a body, then exits',
    (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half');
      setTimeout(() => process.exit(4), 50);
    },
  ],
};

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
export default function handler(request, response) {
  const act = acts[request.url ?? ''];
  if (act !== undefined) {
    console.log(`flaky: ${request.url}: ${act[0]}`);
    act[1](response);
    return;
  }
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(
    Object.entries(acts)
      .map(([path, [what]]) => `${path.slice(1)}  ${what}\n`)
      .join(''),
  );
}
