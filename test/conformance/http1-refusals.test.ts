import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { REFUSAL_REASONS, refusalStatus } from '#host/connector/refusal.js';
import { attempt } from '#test/support/http1-corpus/attempt.js';
import { bytesOf, readCorpus } from '#test/support/http1-corpus/case.js';
import { startConnector } from '#test/support/http1-corpus/subject.js';
import { repositoryFolder } from '#test/support/paths.js';

/** They need time, many connections, TLS, HTTP/2 or a proxy; their tests stand with what finds them. */
const ELSEWHERE = [
  'header-timeout',
  'body-timeout',
  'slow-body',
  'unread-body',
  'write-timeout',
  'slow-reader',
  'connection-limit',
  'plain-http',
  'tls-handshake-timeout',
  'tls-handshake-failed',
  'client-certificate',
  'descriptor-limit',
  'proxy-protocol-sender',
  'proxy-protocol-header',
  'proxy-protocol-timeout',
  'http2-protocol-error',
  'http2-reset-flood',
  'http2-ping-flood',
  'http2-settings-flood',
  'http2-control-flood',
];

/** Reason and status of each row of the tables. */
const rows = readFileSync(join(repositoryFolder, 'deploy/HTTP.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, reason, status] = /^\| `([a-z0-9-]+)` *\| (\d+|cut) *\|/.exec(line) ?? [];
    return reason === undefined ? [] : [[reason, status === 'cut' ? 0 : Number(status)] as const];
  });

let subject: Awaited<ReturnType<typeof startConnector>>;
beforeAll(async () => {
  subject = await startConnector();
});
afterAll(() => subject.stop());

it('are all explained, each with its status', () => {
  const actual = REFUSAL_REASONS.map((reason) => [reason, refusalStatus(reason)]);
  expect([...rows].sort()).toEqual([...actual].sort());
});

it('happen for the reasons that are explained', async () => {
  const refusing = [...readCorpus().values()]
    .flat()
    .filter(({ expect: [first = ''] }) => /[45]\d\d close$/.test(first));
  for (const one of refusing) await attempt(subject.port, one, [bytesOf(one)]);
  const seen = new Set(subject.server.refusals.map(([reason]) => reason));
  const wanted = REFUSAL_REASONS.filter((reason) => !ELSEWHERE.includes(reason));
  expect([...seen].sort()).toEqual([...wanted].sort());
  expect(subject.server.refusals.filter(([reason, status]) => refusalStatus(reason) !== status)).toEqual([]);
  expect(subject.server.refusals.length).toBeGreaterThanOrEqual(refusing.length);
});
