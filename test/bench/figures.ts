/** One line of a table of targets. */
export interface Target {
  readonly what: string;
  readonly value: number;
  /** Between which figures the middle half of the pairs of rounds is; of ratios only. */
  readonly quartiles?: string;
  /** The same by CPU time for a request: what the ratio would be on a machine with cores enough; of ratios only. */
  readonly byCpu?: string;
  readonly target: string;
  readonly reached: boolean;
}

/** One figure against another, by pairs of rounds that ran one after the other. */
export interface PairedRatio {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * The median of the ratios of neighbouring rounds, with its quartiles. A machine that is slow for a while is slow for both
 * rounds of a pair; the ratio of two medians would compare a good moment of one with a bad one of the other.
 */
export function pairedRatio(ones: readonly number[], others: readonly number[]): PairedRatio {
  const ratios = ones.slice(0, others.length).map((one, i) => one / (others[i] ?? Number.NaN));
  return { median: median(ratios), lower: quantile(ratios, 0.25), upper: quantile(ratios, 0.75) };
}

export function quartilesOf({ lower, upper }: PairedRatio): string {
  return `${rounded(lower, 2)}…${rounded(upper, 2)}`;
}

/** A ratio whose median should be at least `target`. */
export function ratio(what: string, paired: PairedRatio, target: number, byCpu?: PairedRatio): Target {
  const value = rounded(paired.median, 2);
  const reached = paired.median >= target;
  const cpu = byCpu === undefined ? {} : { byCpu: `${rounded(byCpu.median, 2)} (${quartilesOf(byCpu)})` };
  return { what, value, quartiles: quartilesOf(paired), ...cpu, target: `>= ${target}`, reached };
}

/** A figure that should be at most `target`. */
export function limit(what: string, value: number, target: number): Target {
  return { what, value: rounded(value, 3), target: `<= ${target}`, reached: value <= target };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}
