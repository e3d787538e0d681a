import { describe, expect, it } from '@jest/globals';
import { MAX_LINE_LENGTH, OutputLines } from '#host/supervisor/output/output-lines.js';
import { safeFileName } from '#host/supervisor/output/output-log.js';
import {
  OUTPUT_BURST_BYTES,
  OUTPUT_BYTES_PER_SECOND,
  OutputRate,
} from '#host/supervisor/output/output-rate.js';
import { OutputTail } from '#host/supervisor/output/output-tail.js';

function linesOf(...chunks: readonly (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const cutter = new OutputLines((line) => lines.push(line));
  for (const chunk of chunks) cutter.push(Buffer.from(chunk));
  cutter.end();
  return lines;
}

describe('output lines', () => {
  it.each([
    [['a\nb\n'], ['a', 'b']],
    [['a\r\nb'], ['a', 'b']],
    [
      ['a', 'b\n', '\n', 'c'],
      ['ab', '', 'c'],
    ],
    [['\n\n'], ['', '']],
    [[], []],
  ])('of %j are %j', (chunks, lines) => {
    expect(linesOf(...chunks)).toEqual(lines);
  });

  it('keep characters whole that arrive in two chunks', () => {
    const bytes = Buffer.from('Grüße €\n');
    for (let cut = 0; cut < bytes.length; cut += 1) {
      expect(linesOf(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(['Grüße €']);
    }
  });

  it('come in pieces when they are endless, with or without an end', () => {
    const endless = linesOf(...Array<string>(10).fill('x'.repeat(10_000)));
    expect(endless.join('').length).toBe(100_000);
    expect(Math.max(...endless.map((line) => line.length))).toBe(MAX_LINE_LENGTH);
    expect(linesOf(`${'y'.repeat(40_000)}\nz`).map((line) => line.length)).toEqual([16_384, 16_384, 7232, 1]);
  });
});

describe('the output rate', () => {
  it('lets a burst through, then the rate, and tells once what was left out', () => {
    let now = 0;
    const rate = new OutputRate(() => now);
    const line = 'x'.repeat(1023);
    let passed = 0;
    for (let count = 0; count < 10_000; count += 1) passed += rate.pass(line).length;
    expect(passed).toBe(OUTPUT_BURST_BYTES / 1024);
    now = 400;
    expect(rate.pass(line)).toEqual([]);
    now = 600;
    const [notice, after] = rate.pass(line);
    expect(notice).toBe(`... 5905 lines left out: more than ${OUTPUT_BYTES_PER_SECOND} bytes a second`);
    expect(after).toBe(line);
    expect(rate.pass(line)).toEqual([line]);
    expect(rate.end()).toBeUndefined();
  });
});

describe('the output tail', () => {
  it('keeps the last 50 lines, cut and escaped', () => {
    const tail = new OutputTail();
    for (let count = 0; count < 1000; count += 1) tail.push(`line ${count}`);
    tail.push(`\u001b[31m\u202e${'x'.repeat(5000)}`);
    const lines = tail.lines();
    expect(lines.length).toBe(50);
    expect(lines[0]).toBe('line 951');
    expect(lines[49]).toMatch(/^\\x1b\[31m\\u202ex+\.\.\.$/);
    expect(lines[49]?.length).toBeLessThan(4200);
  });
});

describe('a file name', () => {
  it.each([
    ['shop', 'shop'],
    ['foo#bar', 'foo#bar'],
    ['../../etc', '_..%2F..%2Fetc'],
    ['.', '_.'],
    ['', '_'],
    ['a/b\\c\0d', 'a%2Fb%5Cc%00d'],
    ['grün', 'gr%C3%BCn'],
    ['x'.repeat(5000), 'x'.repeat(200)],
  ])('for the application %j is %j', (name, file) => {
    expect(safeFileName(name)).toBe(file);
  });
});
