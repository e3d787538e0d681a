import { type Application, type ApplicationCall, ApplicationCallPipeline, NoContent } from 'portico';

type Answer = (call: ApplicationCall) => unknown;

/** Past the checks of types. */
const withField =
  (name: string, value: string, ...more: readonly string[]): Answer =>
  (call) => {
    call.response.headers.append(name, value);
    for (let i = 0; i + 1 < more.length; i += 2)
      call.response.headers.append(more[i] as string, more[i + 1] as string);
    return call.respondText('hello');
  };
const withStatus =
  (status: number): Answer =>
  (call) => {
    call.response.status = status;
    return call.respondText('hello');
  };

async function* chunks(...texts: readonly string[]): AsyncGenerator<string> {
  for (const text of texts) {
    yield text;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Answers of a framework application that would break the framing, by name. */
export const HOSTILE: Readonly<Record<string, Answer>> = {
  'line-in-value': withField('X-A', 'b\r\nX-Injected: 1'),
  'lf-in-value': withField('X-A', 'b\nX-Injected: 1'),
  'cr-in-value': withField('X-A', 'b\rX-Injected: 1'),
  'nul-in-value': withField('X-A', 'b\0c'),
  'wide-in-value': withField('X-A', 'b\u010d\u010aX-Injected: 1'),
  'line-in-name': withField('X-A: b\r\nX-Injected', '1'),
  'blank-in-name': withField('X A', '1'),
  'empty-name': withField('', '1'),
  'line-in-type': (call) => call.respondText('hello', 'text/plain\r\nX-Injected: 1'),
  'line-in-redirect': (call) => call.respondRedirect('/a\r\nX-Injected: 1'),
  'line-in-content': (call) => call.respond(new NoContent({ headers: ['X-A', 'b\r\nX-Injected: 1'] })),
  'line-in-cookie': withField('Set-Cookie', 'a=b\r\nX-Injected: 1'),
  'odd-fields': (call) => call.respond(new NoContent({ headers: ['X-A'] })),
  'length-too-short': withField('Content-Length', '2'),
  'length-too-long': withField('Content-Length', '10'),
  'length-no-number': withField('Content-Length', 'five'),
  'length-twice': withField('Content-Length', '5', 'Content-Length', '9'),
  'stream-too-short': (call) => call.respondStream(chunks('he', 'l'), { length: 10 }),
  'stream-too-long': (call) => call.respondStream(chunks('hello', 'smuggled'), { length: 5 }),
  'stream-negative': (call) => call.respondStream(chunks('hello'), { length: -5 }),
  'stream-fraction': (call) => call.respondStream(chunks('hello'), { length: 5.5 }),
  'stream-of-204': (call) => call.respondStream(chunks('smuggled'), { status: 204 }),
  'stream-of-304': (call) => call.respondStream(chunks('smuggled'), { status: 304, length: 8 }),
  'stream-that-fails': (call) => call.respondStream(failing()),
  'empty-chunks': (call) => call.respondStream(chunks('', 'hello', '', '')),
  coding: withField('Transfer-Encoding', 'gzip'),
  'coding-chunked': withField('Transfer-Encoding', 'chunked'),
  'connection-fields': withField(
    'Connection',
    'keep-alive, x-a',
    'Keep-Alive',
    'timeout=99',
    'Upgrade',
    'h2c',
  ),
  'connection-close': withField('Connection', 'close'),
  'body-204': withStatus(204),
  'body-205': withStatus(205),
  'body-304': withStatus(304),
  'status-0': withStatus(0),
  'status-100': withStatus(100),
  'status-101': withStatus(101),
  'status-199': withStatus(199),
  'status-600': withStatus(600),
  'status-fraction': withStatus(200.5),
  response: (call) =>
    call.respond(new Response('hello', { headers: { 'transfer-encoding': 'gzip', 'content-length': '99' } })),
};

async function* failing(): AsyncGenerator<string> {
  yield 'hello';
  await new Promise((resolve) => setImmediate(resolve));
  throw new Error('the source broke');
}

/** The module. */
export function hostile(application: Application): void {
  application.intercept(ApplicationCallPipeline.Call, async ({ call }) => {
    const [, name = ''] = call.request.path.split('/');
    if (name === 'ok') return call.respondText('ok');
    return (await HOSTILE[name]?.(call)) as undefined;
  });
}
