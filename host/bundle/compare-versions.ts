/**
 * Order of two versions, as an operator would put them; below 0 when `a` is older. Numbers count as numbers, so
 * `2` < `10`; the rest follows Semantic Versioning where the text looks like it:
 *
 * - no version (`''`) is older than every version;
 * - parts between dots are compared from the left, `1.2` < `1.10`; a missing part counts as 0, `1` = `1.0` so far;
 * - a pre-release behind `-` is older than the release: `1.0.0-rc.1` < `1.0.0-rc.2` < `1.0.0`;
 * - a number is older than a word in the same place, as in Semantic Versioning: `1.0-1` < `1.0-beta`;
 * - within a word, runs of digits count as numbers: `rc2` < `rc10`, `r9` < `r10`;
 * - a leading `v` before a digit is left out; what follows `+` decides only last;
 * - two different texts are never equal: when all else is, plain code-unit order decides.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? -1 : 1;
  const left = split(a);
  const right = split(b);
  return (
    compareParts(left.release, right.release, '0') ||
    comparePreRelease(left.preRelease, right.preRelease) ||
    compareParts(left.build, right.build, '') ||
    (a < b ? -1 : 1)
  );
}

interface Split {
  readonly release: readonly string[];
  readonly preRelease: readonly string[];
  readonly build: readonly string[];
}

function split(version: string): Split {
  const text = /^v\d/i.test(version) ? version.slice(1) : version;
  const [main = '', ...build] = text.split('+');
  const dash = main.indexOf('-');
  const parts = (part: string) => (part === '' ? [] : part.split('.'));
  return {
    release: parts(dash < 0 ? main : main.slice(0, dash)),
    preRelease: dash < 0 ? [] : parts(main.slice(dash + 1)),
    build: parts(build.join('+')),
  };
}

function comparePreRelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Math.sign(b.length - a.length);
  return compareParts(a, b, '');
}

function compareParts(a: readonly string[], b: readonly string[], missing: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const order = comparePart(a[index] ?? missing, b[index] ?? missing);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? -1 : 1;
  const [aIsNumber, bIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareRun(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function compareRun(a: string, b: string): number {
  if (/^\d/.test(a) && /^\d/.test(b)) {
    // By length and then by digits: no number is too long for this.
    const [left, right] = [a.replace(/^0+(?=\d)/, ''), b.replace(/^0+(?=\d)/, '')];
    if (left.length !== right.length) return left.length - right.length;
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
