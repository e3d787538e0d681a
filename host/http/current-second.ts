let secondMs = -1;

/**
 * The beginning of the second that is now, in milliseconds since the epoch. For what is written into every message
 * with the precision of a second: the clock is asked once a second. Late by as long as the event loop is blocked.
 */
export function currentSecondMs(): number {
  if (secondMs < 0) {
    const now = Date.now();
    secondMs = now - (now % 1000);
    setTimeout(forget, 1000 - (now % 1000)).unref();
  }
  return secondMs;
}

function forget(): void {
  secondMs = -1;
}
