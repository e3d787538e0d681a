import { readFile } from 'node:fs/promises';
import { routing } from 'portico';
import { page } from './page.mjs';

/** @typedef {{ name: string, path: string, state: string, kind?: string }} Mounted */

/**
 * The page at `/`: lists what is mounted, from the catalog that the operator's file asks for.
 * @param {import('portico').Application} application
 */
export function welcomeModule(application) {
  routing(application, (route) => {
    route.get('/', async (call) => {
      call.response.header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
      call.respondText(page(await mounted()), 'text/html; charset=UTF-8');
    });
  });
}

/**
 * Everything but the page itself, by path.
 * @returns {Promise<Mounted[]>}
 */
async function mounted() {
  const file = process.env.PORTICO_CATALOG;
  if (file === undefined) return [];
  const all = /** @type {Mounted[]} */ (JSON.parse(await readFile(file, 'utf8')));
  return all.filter(({ path }) => path !== '/').sort((a, b) => a.path.localeCompare(b.path));
}
