/** What Node asks where an import leads (its module customization hooks). Runs in a thread of Node's loader. */

type Resolve = (specifier: string, context: { readonly parentURL?: string | undefined }) => Promise<unknown>;

/** `portico` and `portico/…` lead to this package when they lead nowhere else. */
export async function resolve(
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: Resolve,
): Promise<unknown> {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!isOwnName(specifier)) throw error;
    return next(specifier, { ...context, parentURL: import.meta.url });
  }
}

/** Whether this names the package, or an entry of it. */
export function isOwnName(specifier: string): boolean {
  return specifier === 'portico' || specifier.startsWith('portico/');
}
