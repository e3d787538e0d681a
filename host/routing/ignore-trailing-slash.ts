import type { Application } from '../application/application.js';
import type { Plugin } from '../application/plugin.js';
import { AttributeKey } from '../pipeline/attributes.js';

const KEY = new AttributeKey<true>('IgnoreTrailingSlash');
const FLAG = new AttributeKey<true>('portico.ignoreTrailingSlash');

/** Plugin: `/items` and `/items/` are one route, however they are written and requested. */
export const IgnoreTrailingSlash: Plugin<Application, undefined, true> = {
  key: KEY,
  install(application) {
    application.attributes.put(FLAG, true);
    return true;
  },
};

/** Is the plugin installed? */
export function ignoresTrailingSlash(application: Application): boolean {
  return application.attributes.contains(FLAG);
}
