import { NotFoundError, routing } from 'portico';
import { entryOf } from './entry.mjs';
import { page } from './page.mjs';

/**
 * Routes, a form and a JSON API over one list in memory.
 * @param {import('portico').Application} application
 */
export function guestbookModule(application) {
  const limit = Number(
    application.environment.config.propertyOrNull('guestbook.maxEntries')?.getString() ?? 100,
  );
  /** @type {import('./entry.mjs').Entry[]} */
  const entries = [];

  /** @param {unknown} input */
  const add = (input) => {
    const entry = { id: (entries.at(-1)?.id ?? 0) + 1, ...entryOf(input) };
    entries.push(entry);
    if (entries.length > limit) entries.shift();
    return entry;
  };

  routing(application, (route) => {
    route.get('/', (call) =>
      call.respondText(page(entries, application.href('/')), 'text/html; charset=UTF-8'),
    );

    route.post('/', async (call) => {
      const form = await call.receiveForm({ maxBytes: 16 * 1024 });
      add({ name: form.get('name'), text: form.get('text') });
      call.respondStatus(303, { headers: ['Location', application.href('/')] });
    });

    route.route('/api/entries', (api) => {
      api.get('', () => entries);
      api.post('', async (call) => {
        const entry = add(await call.receiveJson({ maxBytes: 16 * 1024 }));
        call.response.header('Location', application.href(`/api/entries/${entry.id}`));
        call.respondJson(entry, 201);
      });
      api.get('/{id}', (call) => {
        const entry = entries.find(({ id }) => id === Number(call.parameters.id));
        if (entry === undefined) throw new NotFoundError(`There is no entry ${call.parameters.id}.`);
        return entry;
      });
    });
  });
}
