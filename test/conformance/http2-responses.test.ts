import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HOSTILE, hostile } from '#test/support/http1-corpus/hostile-framework.js';
import { type Subject, startCio } from '#test/support/http1-corpus/subject.js';
import { Http2Client } from '#test/support/http2/http2-client.js';
import { ANSWERS, FOUND } from './hostile-answers.js';

/** Fields of a connection have no place in HTTP/2 (RFC 9113 §8.2.2); the others are injected by the answers. */
const FORBIDDEN = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'x-injected',
];

describe('a framework application on CIO by HTTP/2', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await startCio(hostile, { enableH2c: true });
  });
  afterAll(() => subject.stop());

  it.each(Object.keys(HOSTILE))('cannot break the framing by %s', async (name) => {
    const client = await Http2Client.open(subject.port);
    const ask = async (method: string, path: string): Promise<string> => {
      const response = await client
        .request({ ':method': method, ':path': path })
        .catch((error: unknown) => String(error));
      if (typeof response === 'string') return 'cut';
      const { status, headers, trailers, body } = response;
      for (const field of FORBIDDEN) {
        expect(headers).not.toHaveProperty(field);
        expect(trailers ?? {}).not.toHaveProperty(field);
      }
      expect(body).not.toContain('smuggled');
      if (method === 'HEAD' || [204, 205, 304].includes(status)) expect(body).toBe('');
      return status >= 500 ? String(status) : `${status} ${body}`;
    };
    expect(await ask('GET', `/${name}`)).toBe(FOUND.includes(name) ? '500' : (ANSWERS[name] ?? '500'));
    expect(await ask('HEAD', `/${name}`)).toMatch(/^(?:[2345]\d\d|cut) ?$/);
    // The connection is as good as before.
    expect(await ask('GET', '/ok')).toBe('200 ok');
    client.close();
  });
});
