import type { SendMark } from './send-mark.js';

/**
 * Memory whose bytes are on their way, of all connections of the process, in the order in which it was full. Made anew, as much
 * memory would cost more than to fill it: the system clears its pages, and V8 collects the heap for what lies outside of it.
 */
const LEAVING: { readonly bytes: Buffer; readonly marks: readonly SendMark[] }[] = [];
/** Some more than what is under way when a handful of large bodies pass through at the same time. */
const MAX_LEAVING = 32;
/** Without large bodies for so long the memory is given up. */
const IDLE_MS = 1000;
let hadLarge = false;
let idleCheck: NodeJS.Timeout | undefined;

/** `bytes` may be used again when all of `marks` have left; until then nobody writes to them. */
export function letLeave(bytes: Buffer, marks: readonly SendMark[]): void {
  LEAVING.push({ bytes, marks });
  if (LEAVING.length > MAX_LEAVING) LEAVING.shift();
  hadLarge = true;
  idleCheck ??= setInterval(forgetWhenIdle, IDLE_MS).unref();
}

/** Memory of this size whose bytes have left, or new memory. */
export function takeLeft(size: number): Buffer {
  // The oldest are the likeliest; one line that stands still does not hold up the memory of others.
  for (let i = 0; i < LEAVING.length; i++) {
    const { bytes, marks } = LEAVING[i] as (typeof LEAVING)[number];
    if (bytes.length !== size || !marks.every(({ hasLeft }) => hasLeft)) continue;
    LEAVING.splice(i, 1);
    return bytes;
  }
  return Buffer.allocUnsafeSlow(size);
}

function forgetWhenIdle(): void {
  if (!hadLarge) {
    LEAVING.length = 0;
    clearInterval(idleCheck);
    idleCheck = undefined;
  }
  hadLarge = false;
}
