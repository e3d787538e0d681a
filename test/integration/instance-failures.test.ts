import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { BootPlan } from '#host/instance/messages.js';
import { AgentProcess } from '#test/support/agent-process.js';
import { fixturesFolder } from '#test/support/paths.js';

const bad = (bundle: string): string => join(fixturesFolder, 'bundles/bad', bundle);

interface Failure {
  readonly step: string;
  readonly code: string;
  readonly message: string;
  readonly stack: string;
}

async function failureOf(
  folder: string,
  entry: BootPlan['entry'],
  plan: Partial<BootPlan> = {},
): Promise<Failure> {
  const agent = new AgentProcess(folder, entry, plan);
  try {
    const { step, code, message, stack } = await agent.report('failed');
    expect(await agent.exited).toBe(70);
    return { step, code, message, stack };
  } finally {
    await agent.kill();
  }
}

const failureOfMain = (bundle: string, main: string, plan: Partial<BootPlan> = {}): Promise<Failure> =>
  failureOf(bad(bundle), { kind: 'main', main: join(bad(bundle), main) }, plan);

/** bundle, entry, step, code, what the message must say */
const MAINS: readonly (readonly [string, string, string, string, RegExp])[] = [
  ['syntax', 'server.js', 'load', 'PORTICO_SYNTAX_ERROR', /Unexpected token ';' at .*syntax\/broken\.js:3/],
  ['syntax-cjs', 'server.cjs', 'load', 'PORTICO_SYNTAX_ERROR', /Unexpected end of input at .*server\.cjs:\d/],
  ['throws', 'server.js', 'load', 'PORTICO_MODULE_THREW', /server\.js threw .*the database is not there/],
  ['throws-null', 'server.mjs', 'load', 'PORTICO_MODULE_THREW', /null instead of an error/],
  ['throws-proxy', 'server.mjs', 'load', 'PORTICO_MODULE_THREW', /trap/],
  ['throws-later', 'server.mjs', 'load', 'PORTICO_APPLICATION_FAILED', /thrown from a timer/],
  ['rejects-later', 'server.mjs', 'load', 'PORTICO_APPLICATION_FAILED', /nobody catches this/],
  ['never', 'server.mjs', 'load', 'PORTICO_NEVER_LOADED', /top-level await.*nothing left to do/],
  ['exits', 'server.mjs', 'load', 'PORTICO_APPLICATION_EXITED', /exit code 3/],
  [
    'no-export',
    'server.js',
    'configure',
    'PORTICO_NOTHING_TO_SERVE',
    /start \(function with 1 parameter\), version \(number\)/,
  ],
  ['wrong-export', 'server.mjs', 'configure', 'PORTICO_NOTHING_TO_SERVE', /default \(class\)/],
  [
    'missing-dependency',
    'server.mjs',
    'load',
    'PORTICO_DEPENDENCY_MISSING',
    /no-such-package-here.*node_modules/,
  ],
  ['missing-dependency-cjs', 'server.js', 'load', 'PORTICO_DEPENDENCY_MISSING', /\.\/not-there/],
  ['rejected-promise', 'server.mjs', 'start', 'PORTICO_APPLICATION_FAILED', /could not connect/],
  ['listens-then-throws', 'server.js', 'load', 'PORTICO_MODULE_THREW', /half started/],
  ['throws', 'gone.js', 'load', 'PORTICO_ENTRY_MISSING', /gone\.js/],
  ['throws', '../never/server.mjs', 'load', 'PORTICO_ENTRY_OUTSIDE', /leads out of the bundle/],
];

describe('an application that cannot be started is reported with step, cause and place', () => {
  it.each(MAINS)('%s %s', async (bundle, main, step, code, message) => {
    const failure = await failureOfMain(bundle, main);
    expect(failure).toMatchObject({ step, code, message: expect.stringMatching(message) });
    expect(failure.stack).not.toMatch(/node:internal|host\/instance/);
  });

  it('names the line that threw', async () => {
    expect((await failureOfMain('throws', 'server.js')).stack).toMatch(
      /TypeError[\s\S]*bad\/throws\/server\.js:1/,
    );
  });

  it('gives up at the start deadline', async () => {
    const plan = { startTimeoutMs: 1500 };
    expect(await failureOfMain('never-busy', 'server.mjs', plan)).toMatchObject({
      code: 'PORTICO_NEVER_LOADED',
      message: expect.stringContaining('Given up after 1500 ms'),
    });
    expect((await failureOfMain('busy-no-server', 'server.js', plan)).code).toBe('PORTICO_NOTHING_TO_SERVE');
  });

  it('says when Node cannot run TypeScript', async () => {
    const { typescript } = process.features as unknown as { typescript?: unknown };
    if (typescript) return;
    expect((await failureOfMain('typescript', 'server.ts')).code).toBe('PORTICO_TYPESCRIPT_UNSUPPORTED');
  });

  it('refuses an entry that is a link out of the bundle', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portico-l-'));
    try {
      symlinkSync(join(fixturesFolder, 'bundles/handler/server.js'), join(folder, 'server.js'));
      const failure = await failureOf(folder, { kind: 'main', main: join(folder, 'server.js') });
      expect(failure.code).toBe('PORTICO_ENTRY_OUTSIDE');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says when the exchange socket cannot be opened', async () => {
    const folder = join(fixturesFolder, 'bundles/handler');
    const socketPath = join(tmpdir(), 'no-such-folder-of-portico', 's');
    const failure = await failureOf(
      folder,
      { kind: 'main', main: join(folder, 'server.js') },
      { socketPath },
    );
    expect([failure.step, failure.code]).toEqual(['listen', 'PORTICO_EXCHANGE_LISTEN']);
  });
});

describe('framework modules that cannot be used are reported', () => {
  const MODULES: readonly (readonly [string, string, RegExp])[] = [
    ['gone.mjs#x', 'PORTICO_ENTRY_MISSING', /gone\.mjs/],
    [
      'good.mjs#bad',
      'PORTICO_EXPORT_MISSING',
      /"bad".*good \(function with 0 parameters\), value \(number\)/,
    ],
    ['good.mjs', 'PORTICO_EXPORT_MISSING', /no default export/],
    ['good.mjs#value', 'PORTICO_EXPORT_NOT_A_FUNCTION', /good\.mjs#value/],
    ['throws.mjs', 'PORTICO_MODULE_FAILED', /no such table/],
    ['../throws/server.js', 'PORTICO_ENTRY_OUTSIDE', /leads out/],
  ];

  it.each(MODULES)('%s', async (reference, code, message) => {
    const failure = await failureOf(bad('modules'), { kind: 'modules', modules: [reference] });
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('never.mjs', async () => {
    const entry = { kind: 'modules', modules: ['never.mjs'] } as const;
    const failure = await failureOf(bad('modules'), entry, { startTimeoutMs: 1500 });
    expect(failure.message).toMatch(/never\.mjs/);
  });
});

it('says what is wrong with a bundle whose package.json is broken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-b-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": ');
    writeFileSync(join(folder, 'server.js'), 'module.exports = (req, res) => res.end();');
    const failure = await failureOf(folder, { kind: 'main', main: join(folder, 'server.js') });
    expect(failure.message).toMatch(/package\.json/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
