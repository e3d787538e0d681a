/** One line of a table of targets. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly target: string;
  readonly reached: boolean;
}

/** A figure that should be at least `target`. */
export function ratio(what: string, value: number, target: number): Target {
  return { what, value: rounded(value, 2), target: `>= ${target}`, reached: value >= target };
}

/** A figure that should be at most `target`. */
export function limit(what: string, value: number, target: number): Target {
  return { what, value: rounded(value, 3), target: `<= ${target}`, reached: value <= target };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
