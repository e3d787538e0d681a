import { Readable } from 'node:stream';
import {
  type Application,
  BadRequestError,
  NotFoundError,
  type ResponseWriter,
  routing,
  TEXT_HTML,
} from 'portico';

/** What the engine suite looks at from outside. */
export interface Probe {
  /** Chunks that the endless source has given. */
  given: number;
  /** Resolves when the endless source was stopped. */
  readonly stopped: Promise<void>;
  /** Resolves when a call to `/hang` is running. */
  readonly hanging: Promise<void>;
  /** Resolves when `/hang` saw its call given up. */
  readonly aborted: Promise<void>;
  /** Resolves when a call to `/gate` is running; `open` lets it finish. */
  readonly atGate: Promise<void>;
  open(): void;
  /** The next time the module runs it fails. */
  failNextStart: boolean;
}

/** The application that every engine must serve alike. */
export function engineModule(): { module: (application: Application) => void; probe: Probe } {
  let markStopped = (): void => undefined;
  let markAborted = (): void => undefined;
  let markHanging = (): void => undefined;
  let markAtGate = (): void => undefined;
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const probe: Probe = {
    given: 0,
    stopped: new Promise((resolve) => {
      markStopped = resolve;
    }),
    aborted: new Promise((resolve) => {
      markAborted = resolve;
    }),
    hanging: new Promise((resolve) => {
      markHanging = resolve;
    }),
    atGate: new Promise((resolve) => {
      markAtGate = resolve;
    }),
    open: () => open(),
    failNextStart: false,
  };
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        probe.given++;
        yield Buffer.alloc(16 * 1024, 'x');
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      markStopped();
    }
  }
  async function* failing(): AsyncGenerator<string> {
    yield 'first';
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error('the source broke');
  }
  const module = (application: Application): void => {
    if (probe.failNextStart) {
      probe.failNextStart = false;
      throw new Error('the module failed');
    }
    routing(application, (r) => {
      r.get('/', (call) => call.respondText('root'));
      r.get('/text', (call) => call.respondText('grüße'));
      r.get('/html', (call) => call.respondText('<p>', TEXT_HTML, 201));
      r.get('/json/{id}', (call) => ({ id: call.parameters.id, q: call.request.queryParameters.get('q') }));
      r.get('/returned', () => 'returned');
      r.get('/later', async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return { later: true };
      });
      r.get('/rest/{path...}', (call) => call.parameters.path.join('|'));
      r.get('/uri', (call) => [call.request.uri, call.localPath, call.application.href('/x')]);
      r.head('/text', (call) => call.respondText('grüße'));
      r.get('/bytes', (call) => call.respondBytes(Buffer.from([1, 2, 3]), 'image/x'));
      r.get('/status', (call) => {
        call.response.status = 418;
      });
      r.get('/nothing', () => undefined);
      r.get('/no-content', (call) => call.respondStatus(204));
      r.get('/redirect', (call) => call.respondRedirect(call.application.href('/text')));
      r.get('/headers', (call) => {
        call.response.header('X-A', '1');
        call.response.header('X-A', '2');
        call.response.header('Content-Type', 'text/x');
        return call.respondText('own type');
      });
      r.get('/twice', (call) => {
        call.respondText('first');
        call.respondText('second', undefined, 500);
      });
      r.get('/inject', (call) => call.response.header('X-A', 'a\r\nSet-Cookie: b=c'));
      r.get('/inject-redirect', (call) => call.respondRedirect('/x\r\nX-B: 1'));
      r.get('/unsafe', (call) => call.response.header('Transfer-Encoding', 'chunked'));
      r.get('/throw', () => {
        throw new Error('secret detail');
      });
      r.get('/throw-later', async () => {
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error('secret detail');
      });
      r.get('/throw-null', () => {
        throw null;
      });
      r.get('/bad', () => {
        throw new BadRequestError('that is bad');
      });
      r.get('/missing', (call) => call.request.queryParameters.require('needed'));
      r.get('/not-found', () => {
        throw new NotFoundError('no such item');
      });
      r.get('/timeout', () => {
        throw new DOMException('too slow', 'TimeoutError');
      });
      r.get('/undefined-json', () => () => 1);
      r.get(
        '/response',
        () => new Response('of fetch', { status: 201, headers: { 'X-A': '1', 'Content-Type': 'text/x' } }),
      );
      r.get('/response-empty', () => new Response(null, { status: 204 }));
      r.get('/promise', (call) => call.respond(Promise.resolve('awaited')));
      r.get('/blob', () => new Blob(['of a blob']));
      r.get('/array-buffer', () => Uint8Array.of(65, 66).buffer);
      r.get('/error-value', () => new NotFoundError('returned, not thrown'));
      r.get('/text-number', (call) => call.respondText(42 as unknown as string));
      r.get('/header-number', (call) => call.response.header('X-A', 42 as unknown as string));
      r.get('/bad-chunk', (call) =>
        call.respondStream(42 as unknown as ReadableStream<string>, { contentType: 'text/x' }),
      );
      r.get('/big-int', () => 1n);
      r.get('/to-json', () => ({
        toJSON() {
          throw new BadRequestError('not as JSON');
        },
      }));
      for (const length of ['3', '30', 'many'])
        r.get(`/content-length-${length}`, (call) => {
          call.response.header('Content-Length', length);
          return 'hello';
        });
      r.get('/half-made', (call) => {
        call.response.status = 201;
        for (const name of ['Cache-Control', 'Content-Disposition', 'Content-Length', 'Content-Type', 'X-A'])
          call.response.header(name, name === 'Content-Length' ? '1000' : 'x');
        throw new BadRequestError('not made');
      });
      r.post('/echo-text', async (call) => call.respondText(await call.receiveText()));
      r.post('/echo-json', async (call) => ({ got: await call.receiveJson() }));
      r.post('/echo-form', async (call) => Object.fromEntries(await call.receiveForm()));
      r.post('/length', async (call) => (await call.receiveBytes()).length);
      r.post('/small', async (call) => (await call.receiveText({ maxBytes: 10 })).length);
      r.post('/twice', async (call) => {
        await call.receiveText();
        await call.receiveText();
      });
      r.post('/pipe', async (call) => call.respondStream(await call.receiveStream()));
      r.post('/ignore', (call) => call.respondText('ignored'));
      r.get('/readable', (call) => call.respondStream(Readable.from(['a', 'b', 'c'])));
      r.get('/generator', (call) =>
        call.respondStream(Readable.from([Buffer.from('gen')]), { length: 3, contentType: 'text/x' }),
      );
      r.get('/web', (call) => {
        const chunks = ['w', 'e', 'b'];
        return call.respondStream(
          new ReadableStream<string>({
            pull(controller) {
              const chunk = chunks.shift();
              if (chunk === undefined) controller.close();
              else controller.enqueue(chunk);
            },
          }),
        );
      });
      r.get('/writer', (call) =>
        call.respondWriter(async (writer: ResponseWriter) => {
          await writer.write('one ');
          await writer.write('two');
        }),
      );
      r.get('/not-awaited', (call) => {
        void call.respondStream(Readable.from(['not ', 'awaited']));
      });
      r.get('/endless', (call) => call.respondStream(endless()));
      r.get('/failing', (call) => call.respondStream(failing()));
      r.get('/short', (call) => call.respondStream(Readable.from(['ab']), { length: 5 }));
      r.get('/hang', async (call) => {
        markHanging();
        await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
        markAborted();
      });
      r.get('/never', () => new Promise<void>(() => undefined));
      r.get('/gate', async (call) => {
        markAtGate();
        await gate;
        await call.respondText('through the gate');
      });
    });
  };
  return { module, probe };
}
