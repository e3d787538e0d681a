import { messageOf } from '../../errors.js';

/** What was thrown, for a sentence: its message, or its kind when it is no error. */
export function describeThrown(thrown: unknown): string {
  let isError = false;
  try {
    isError = thrown instanceof Error;
  } catch {
    return 'an object that cannot be looked at';
  }
  if (isError) return messageOf(thrown);
  if (thrown === null || thrown === undefined) return `${thrown} instead of an error`;
  return `${messageOf(thrown)} (a ${typeof thrown}, not an error)`;
}
