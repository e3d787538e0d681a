/** @typedef {{ readonly name: string, readonly text: string }} NewEntry */
/** @typedef {NewEntry & { readonly id: number }} Entry */

const MAX_LENGTHS = { name: 60, text: 500 };

/**
 * What a new entry must be, as a Standard Schema: `call.receive(NewEntry)` takes it from JSON and from forms. Libraries such
 * as zod or valibot make such schemas; written by hand it is one function.
 * @type {import('@standard-schema/spec').StandardSchemaV1<unknown, NewEntry>}
 */
export const NewEntry = {
  '~standard': {
    version: 1,
    vendor: 'guestbook',
    validate(input) {
      const { name, text } = /** @type {Record<string, unknown>} */ (Object(input));
      const entry = { name: trimmed(name), text: trimmed(text) };
      const issues = Object.entries(MAX_LENGTHS).flatMap(([field, maxLength]) => {
        const { length } = entry[/** @type {keyof NewEntry} */ (field)];
        if (length === 0) return [{ message: 'is missing', path: [field] }];
        return length > maxLength ? [{ message: `is longer than ${maxLength}`, path: [field] }] : [];
      });
      return issues.length === 0 ? { value: entry } : { issues };
    },
  },
};

/** @param {unknown} value */
function trimmed(value) {
  return typeof value === 'string' ? value.trim() : '';
}
