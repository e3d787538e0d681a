/**
 * Hooks of Node's module loader, registered by `importGeneration`. A file that was asked for by a file of some generation
 * belongs to that generation as well, so that a whole graph is loaded anew. Packages in `node_modules` and Portico itself
 * are loaded once. Keeps no state: the generation stands in the URL of who asks.
 */

/** Query parameter of a URL that says the generation. */
export const GENERATION = 'portico-generation';

const OWN_FOLDER = new URL('../../', import.meta.url).href;

/** What Node gives to and takes from a resolve hook, as far as it is needed here. */
interface Resolved {
  readonly url: string;
}

/** The URL with the generation of its parent, if it is one that is loaded anew. */
export function withGeneration(url: string, parentUrl: string | undefined): string {
  const generation = parentUrl === undefined ? undefined : generationOf(parentUrl);
  if (generation === undefined || !url.startsWith('file:')) return url;
  if (url.includes('/node_modules/') || url.startsWith(OWN_FOLDER)) return url;
  const target = new URL(url);
  target.searchParams.set(GENERATION, generation);
  return target.href;
}

/** The hook of `module.register`, which runs it in a thread of its own. */
export async function resolve<Context extends { readonly parentURL?: string }>(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Promise<Resolved>,
): Promise<Resolved> {
  const resolved = await next(specifier, context);
  return { ...resolved, url: withGeneration(resolved.url, context.parentURL) };
}

function generationOf(url: string): string | undefined {
  const question = url.indexOf('?');
  if (question < 0) return undefined;
  return new URLSearchParams(url.slice(question + 1).replace(/#.*/, '')).get(GENERATION) ?? undefined;
}
