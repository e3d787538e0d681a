import type { SpareKind } from './messages.js';

/**
 * Loads what an application will need, none of which does anything by being loaded. A spare for servers stays as small as
 * an instance of one; the framework costs 6 MB more, so it is loaded where it is asked for only.
 */
export async function loadForSpare(kind: SpareKind): Promise<void> {
  await import('./server-application.js');
  // What frameworks for servers ask for first.
  await Promise.all([
    import('node:https'),
    import('node:zlib'),
    import('node:querystring'),
    import('node:url'),
  ]);
  if (kind !== 'framework') return;
  await import('./framework-application.js');
  // The package as bundles import it.
  await import('../framework.js');
}
