import { ReadArea } from '../exchange/read-area.js';

/** Most bytes of a read; so much a connection holds while a large body comes fast, within the window of an exchange. */
const AREA_BYTES = 128 * 1024;
/** Areas for the next large bodies, of any connection. */
const spare: ReadArea[] = [];
const MAX_SPARE = 8;

/** An area for the large body of one connection, which owns it until it gives it back. */
export function takeArea(): ReadArea {
  return spare.pop() ?? new ReadArea(AREA_BYTES);
}

/** The socket reads somewhere else already. */
export function giveBackArea(area: ReadArea): void {
  if (spare.length < MAX_SPARE) spare.push(area);
}
