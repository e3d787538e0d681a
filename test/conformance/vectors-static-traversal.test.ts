import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { staticFiles } from 'portico/plugins/static-content';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { readVectors } from '#test/support/vectors.js';

const { staticTraversal } = readVectors<{ staticTraversal: readonly { path: string; status: number }[] }>(
  'path-decoding',
);

describe('vectors path-decoding, static content', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-static-'));
  let engine: TestApplicationEngine;
  beforeAll(async () => {
    mkdirSync(join(folder, 'public'));
    writeFileSync(join(folder, 'public/allowed.txt'), 'allowed');
    writeFileSync(join(folder, 'secret.txt'), 'secret');
    engine = await testApplication((app) => {
      routing(app, (r) => staticFiles(r, '/static', join(folder, 'public')));
    });
  });
  afterAll(async () => {
    await engine.stop(0);
    rmSync(folder, { recursive: true });
  });

  it.each(staticTraversal)('$path is $status', async ({ path, status }) => {
    expect((await engine.client.get(path)).status).toBe(status);
  });
});
