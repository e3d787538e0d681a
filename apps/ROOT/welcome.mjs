import { readFile } from 'node:fs/promises';
import { routing, TEXT_HTML } from 'portico';
import { page } from './page.mjs';

/** @typedef {{ name: string, host?: string, path: string, state: string, kind?: string, about?: string }} Mounted */

/**
 * The page at `/`: lists what is mounted, from the catalog that the operator's file asks for. What it says of them stands in
 * `application.yaml`.
 * @param {import('portico').Application} application
 */
export function welcomeModule(application) {
  const about = application.environment.config.config('welcome.about').toMap();
  routing(application, (route) => {
    route.get('/', async (call) => {
      call.response.header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
      call.respondText(page(await mounted(about)), TEXT_HTML);
    });
  });
}

/**
 * Everything but the page itself, by path.
 * @param {Readonly<Record<string, unknown>>} about
 * @returns {Promise<Mounted[]>}
 */
async function mounted(about) {
  const file = process.env.PORTICO_CATALOG;
  if (file === undefined) return [];
  const all = /** @type {Mounted[]} */ (JSON.parse(await readFile(file, 'utf8')));
  return all
    .filter(({ host, path }) => path !== '/' || host !== undefined)
    .map((one) => ({ ...one, about: Object.hasOwn(about, one.name) ? String(about[one.name]) : '' }))
    .sort((a, b) => a.path.localeCompare(b.path));
}
