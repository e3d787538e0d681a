import { BadRequestError } from 'portico';

/** @typedef {{ id: number, name: string, text: string }} Entry */

/**
 * Name and text of an entry from what a client sent; 400 when it is not one.
 * @param {unknown} input
 * @returns {{ name: string, text: string }}
 */
export function entryOf(input) {
  const { name, text } = /** @type {Record<string, unknown>} */ (input ?? {});
  return { name: textOf('name', name, 60), text: textOf('text', text, 500) };
}

/**
 * @param {string} field
 * @param {unknown} value
 * @param {number} maxLength
 */
function textOf(field, value, maxLength) {
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '') throw new BadRequestError(`${field} is missing.`);
  if (text.length > maxLength) throw new BadRequestError(`${field} has more than ${maxLength} characters.`);
  return text;
}
