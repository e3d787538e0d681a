/**
 * `npm run stress [-- --seconds N] [--redeploys N] [--rate N] [--short]`: see README.md. Prints tables of Markdown; ends
 * with 1 when an application failed that must not, or something was left behind.
 */
import { parseArgs } from 'node:util';
import { STEPS } from './chaos.js';
import { failuresOf, leaksOf, reportOf } from './report.js';
import { stress } from './stress.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    redeploys: { type: 'string' },
    rate: { type: 'string', default: '20' },
    short: { type: 'boolean', default: false },
  },
});
const isShort = values.short;
const began = performance.now();
const result = await stress({
  steps: STEPS.filter((step) => step.isShort || !isShort),
  seconds: isShort ? 0 : Number(values.seconds),
  quietSeconds: isShort ? 2 : 10,
  redeploys: Number(values.redeploys ?? (isShort ? 10 : 200)),
  settles: !isShort,
  rate: Number(values.rate),
  say: (line) => process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1)} s: ${line}\n`),
});
console.log(reportOf(result));
const failures = failuresOf(result).filter(({ role, failed }) => role !== 'victim' && failed > 0);
const faults = [
  ...failures.map(({ application, reasons }) => `${application} failed: ${reasons}`),
  ...leaksOf(result),
];
console.log(
  `\n${faults.length === 0 ? 'Nobody but the victim failed; nothing was left behind.' : faults.join('\n')}`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
