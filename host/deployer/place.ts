import type { ContextName } from '../bundle/context-name.js';
import { EVERY_HOST } from '../config/virtual-hosts.js';

/** Where an application is mounted: a path on a virtual host. No two applications have one place. */
export interface Place {
  /**
   * The place in one text: on the default host the path alone, `''` for ROOT; elsewhere with the host in front,
   * `shop.example/cart`, `shop.example/` for ROOT. Identity of the context everywhere.
   */
  readonly id: string;
  /** Name of the host; `''` is the default one, `*` every one. */
  readonly host: string;
  /** `''` for ROOT, `/foo/bar` otherwise. */
  readonly path: string;
}

/** The place an application asks for. */
export function placeOf({ host = '', contextPath: path }: Pick<ContextName, 'host' | 'contextPath'>): Place {
  return { id: host === '' ? path : `${host}${path === '' ? '/' : path}`, host, path };
}

/** The identity of a place as people read and write it: `/` for ROOT of the default host. */
export function shownPlace(id: string): string {
  return id === '' ? '/' : id;
}

/** Identity of the place that a person names by its path, with the host in front of it on other than the default host. */
export function placeNamed(text: string): string {
  if (text === '/') return '';
  const isHostAlone = !text.includes('/') && (text === EVERY_HOST || text.includes('.'));
  return isHostAlone ? `${text}/` : text;
}
