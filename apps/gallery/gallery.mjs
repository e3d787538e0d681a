import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApplicationStopped, BadRequestError, routing } from 'portico';
import { SSE, sse } from 'portico/plugins/sse';
import { staticFiles } from 'portico/plugins/static-content';

/** What browsers show as a picture and never run, with the extension it is kept under. */
const EXTENSIONS = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
]);
const MAX_PICTURES = 50;

/**
 * Pictures to upload and look at; whoever has the page open sees a new one at once. They live as long as this process:
 * what is to last belongs into a storage outside of the bundle.
 * @param {import('portico').Application} application
 */
export async function galleryModule(application) {
  const folder = await mkdtemp(join(tmpdir(), 'gallery-'));
  application.monitor.subscribe(ApplicationStopped, () => rm(folder, { recursive: true }));
  /** @type {string[]} */
  const pictures = [];
  /** @type {Set<import('portico/plugins/sse').ServerSentEvents<unknown>>} */
  const viewers = new Set();

  application.install(SSE);
  routing(application, (route) => {
    route.get('/pictures', () => pictures);
    route.post('/pictures', async (call) => {
      if (pictures.length >= MAX_PICTURES) return call.respondStatus(507);
      /** @type {string[]} */
      const added = [];
      try {
        for await (const part of call.receiveMultipart({ maxFileBytes: 5 * 1024 * 1024, maxParts: 10 })) {
          if (part.kind !== 'file') continue;
          const extension = EXTENSIONS.get(part.contentType);
          if (extension === undefined) throw new BadRequestError(`${part.contentType} is no picture.`);
          // A name of ours: that of the file belongs to the client.
          const name = `${randomUUID()}.${extension}`;
          await part.saveTo(join(folder, name));
          added.push(name);
        }
      } catch (error) {
        // A form that fails leaves nothing behind.
        await Promise.all(added.map((name) => rm(join(folder, name))));
        throw error;
      }
      pictures.push(...added);
      for (const viewer of viewers) for (const name of added) viewer.send({ event: 'picture', data: name });
      return call.respondJson(added, 201);
    });

    sse(route, '/events', async (session) => {
      // Not awaited, so that none is added meanwhile; the order stays.
      for (const name of pictures) session.send({ event: 'picture', data: name });
      viewers.add(session);
      await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
      viewers.delete(session);
    });

    staticFiles(route, '/pictures', folder, (config) => {
      config.cacheControl = () => [{ type: 'max-age', maxAgeSeconds: 3600 }];
    });
    staticFiles(route, '/', fileURLToPath(new URL('public', import.meta.url)));
  });
}
