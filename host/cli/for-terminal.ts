import { printable } from '../log/printable.js';

/** Longest text of an application that is shown on one line, in characters. */
const MAX_LENGTH = 400;

/** Text of an application on one line, without anything that a terminal would obey. */
export function forTerminal(text: string): string {
  return printable(text.slice(0, MAX_LENGTH));
}
