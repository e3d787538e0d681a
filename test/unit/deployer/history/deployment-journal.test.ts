import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEPLOYMENTS_FILE, DeploymentJournal } from '#host/deployer/history/deployment-journal.js';
import { DEPLOYMENT_STEPS, mayFollow } from '#host/deployer/history/deployment-steps.js';

describe('DeploymentJournal', () => {
  let folder: string;
  let said: string[];
  const log = {
    info: () => undefined,
    warn: (_: object, message: string) => said.push(message),
    error: (_: object, message: string) => said.push(message),
  };
  const opened: DeploymentJournal[] = [];
  const open = async () => {
    const journal = await DeploymentJournal.open(folder, log, 5);
    opened.push(journal);
    return journal;
  };
  const file = () => join(folder, DEPLOYMENTS_FILE);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portico-journal-'));
    said = [];
  });

  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A deployment that has come as far as this. */
  const write = async (journal: DeploymentJournal, name: string, last: string): Promise<void> => {
    const entry = journal.begin(name, 'seen', { trigger: 'files' });
    for (const step of DEPLOYMENT_STEPS.slice(1)) {
      if (entry.current === last || entry.current === undefined || !mayFollow(entry.current, step)) continue;
      const facts = step === 'validated' ? { fingerprint: 'f'.repeat(64), key: `${'f'.repeat(64)}+` } : {};
      entry.step(step, facts);
    }
    expect(entry.current).toBe(last);
    await journal.flush();
  };

  it('remembers every step over the end of the server', async () => {
    const journal = await open();
    await write(journal, 'shop', 'stopped');
    const before = journal.of('shop');
    const after = (await open()).of('shop');
    expect(after).toEqual(before);
    expect(after[0]).toMatchObject({ number: 1, trigger: 'files', fingerprint: 'f'.repeat(64) });
    expect(after[0]?.steps.map(({ step }) => step)).toEqual(DEPLOYMENT_STEPS.slice(0, 8));
  });

  it.each(['seen', 'validated', 'starting', 'healthy', 'serving', 'draining'] as const)(
    'knows that a deployment that was %s ended with the server',
    async (step) => {
      await write(await open(), 'shop', step);
      const [record] = (await open()).of('shop');
      expect(record?.steps.slice(-2).map((one) => one.step)).toEqual([step, 'stopped']);
      expect(record?.cause).toBe('the server ended');
    },
  );

  it('ignores a last line that was being written, at whatever byte it was cut', async () => {
    const journal = await open();
    await write(journal, 'shop', 'stopped');
    const whole = readFileSync(file(), 'utf8');
    const lastLine = whole.trimEnd().lastIndexOf('\n') + 1;
    for (let length = lastLine; length < whole.length; length += 7) {
      writeFileSync(file(), whole.slice(0, length));
      const [record] = (await open()).of('shop');
      expect(record?.steps.at(-2)?.step).toBe('draining');
      expect(record?.steps.at(-1)?.step).toBe('stopped');
    }
    expect(said).toEqual([]);
  });

  it('leaves out lines it cannot read, and says how many', async () => {
    await write(await open(), 'shop', 'stopped');
    appendFileSync(file(), '\0\0\0\n{"kind":"step","name":"shop"}\n');
    const journal = await open();
    expect(journal.of('shop')).toHaveLength(1);
    expect(said).toEqual([expect.stringMatching(/^2 of \d+ lines of .*cannot be read.* it is kept as /)]);
    expect(readFileSync(`${file()}.broken`, 'utf8')).toContain('\0\0\0');
    // It is written anew without them.
    await open();
    expect(said).toHaveLength(1);
  });

  it('counts deployments of each application by itself, and forgets those that came to nothing', async () => {
    const journal = await open();
    await write(journal, 'shop', 'serving');
    await write(journal, 'blog', 'serving');
    journal.begin('shop', 'seen', { trigger: 'files' }).drop();
    await write(journal, 'shop', 'serving');
    expect(journal.of('shop').map(({ number }) => number)).toEqual([1, 2]);
    expect(journal.of('blog').map(({ number }) => number)).toEqual([1]);
    expect((await open()).of('shop').map(({ number }) => number)).toEqual([1, 2]);
  });

  it('marks what is stopped as removed when its content has left the store', async () => {
    const journal = await open();
    await write(journal, 'shop', 'stopped');
    journal.collected(new Set(['f'.repeat(64)]));
    expect(journal.of('shop')[0]?.steps.at(-1)?.step).toBe('stopped');
    journal.collected(new Set());
    expect(journal.of('shop')[0]?.steps.at(-1)?.step).toBe('removed');
  });

  it('goes on, and says so once, when it cannot be written', async () => {
    const journal = await open();
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(folder, 'no folder any more');
    await write(journal, 'shop', 'serving');
    await write(journal, 'shop', 'serving');
    expect(journal.of('shop')).toHaveLength(2);
    expect(said).toEqual([expect.stringContaining('cannot be written')]);
  });

  it('is whole again as soon as it can be written', async () => {
    const journal = await open();
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(folder, 'no folder any more');
    await write(journal, 'shop', 'serving');
    await write(journal, 'blog', 'serving');
    rmSync(folder);
    mkdirSync(folder);
    await write(journal, 'shop', 'stopped');
    const after = await open();
    expect([after.of('shop').map(({ number }) => number), after.of('blog').length]).toEqual([[1, 2], 1]);
    expect(said).toEqual([expect.stringContaining('cannot be written')]);
  });
});
