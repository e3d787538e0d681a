// What all subjects answer with.

export const TEXT = 'Hello World\n';

/** The line `json`: `/users/{id}`. */
export function userOf(id) {
  return { id, name: 'Ada Lovelace', roles: ['author', 'editor'], isActive: true, visits: 1815 };
}

/** The line `routes`: so many siblings, each with a parameter, two methods and a route below it. */
export const ROUTES = 1000;

/** The line `body`: bytes received into memory and sent back; the limit lets 1 MB pass. */
export const BODY_LIMIT = 2 * 1024 * 1024;
