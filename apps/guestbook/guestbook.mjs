import { HttpError, NotFoundError, RequestValidationError, routing, TEXT_HTML } from 'portico';
import { StatusPages } from 'portico/plugins/status-pages';
import { NewEntry } from './entry.mjs';
import { page } from './page.mjs';

const LIMIT = { maxBytes: 16 * 1024 };

/**
 * One list in memory, for people as a page with a form, for programs as JSON. Both are checked by one schema, and errors are
 * answered in one place: with the page, or as JSON.
 * @param {import('portico').Application} application
 */
export function guestbookModule(application) {
  const maxEntries =
    application.environment.config.propertyOrNull('guestbook.maxEntries')?.getNumber() ?? 100;
  /** @type {import('./entry.mjs').Entry[]} */
  const entries = [];

  application.install(StatusPages, (config) => {
    config.exception(HttpError, (call, error) => {
      const problems = error instanceof RequestValidationError ? error.reasons : [error.message];
      return call.localPath.startsWith('/api/')
        ? call.respondJson({ problems }, error.status)
        : call.respondText(page(entries, application.href('/'), problems), TEXT_HTML, error.status);
    });
  });

  routing(application, (route) => {
    route.get('/', (call) => call.respondText(page(entries, application.href('/')), TEXT_HTML));

    route.post('/', async (call) => {
      add(await call.receive(NewEntry, LIMIT));
      return call.respondStatus(303, { headers: ['Location', application.href('/')] });
    });

    route.route('/api/entries', (route) => {
      route.get(() => entries);

      route.post(async (call) => {
        const entry = add(await call.receive(NewEntry, LIMIT));
        call.response.header('Location', application.href(`/api/entries/${entry.id}`));
        return call.respondJson(entry, 201);
      });

      route.get('/{id}', (call) => {
        const entry = entries.find(({ id }) => id === Number(call.parameters.id));
        if (entry === undefined) throw new NotFoundError(`There is no entry ${call.parameters.id}.`);
        return entry;
      });
    });
  });

  /** @param {import('./entry.mjs').NewEntry} entry */
  function add(entry) {
    const added = { id: (entries.at(-1)?.id ?? 0) + 1, ...entry };
    entries.push(added);
    if (entries.length > maxEntries) entries.shift();
    return added;
  }
}
