import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type Application, BadRequestError, HttpError, routing } from 'portico';
import { testApplication } from 'portico/testing';
import { sourceExcerpt } from '#host/engine/error-page/source-excerpt.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const folder = new TemporaryFolder();
afterAll(() => folder.remove());

function failing(application: Application): void {
  routing(application, (r) => {
    r.get('/fail', () => {
      throw new Error('<b>broken</b>', { cause: new TypeError('the deeper cause') });
    });
    r.get('/said', (call) => {
      throw new Error(`not found: ${call.request.queryParameters.get('what')}`);
    });
    r.get('/changed', (call) => {
      const error = new Error(`not found: ${call.request.queryParameters.get('what')}`);
      error.message = 'another message';
      throw error;
    });
    r.get('/inside', (call) => {
      throw { cause: new Error(`not found: ${call.request.queryParameters.get('what')}`) };
    });
    r.get('/null', () => {
      throw null;
    });
    r.get('/hostile', () => {
      throw new Proxy(new Error('x'), {
        get: () => {
          throw new Error('do not look');
        },
      });
    });
    r.get('/bad', () => {
      throw new BadRequestError('that is bad');
    });
    r.get('/unavailable', () => {
      throw new HttpError(503, 'SHOP_CLOSED', 'closed');
    });
  });
}

async function answer(target: string, headers: Record<string, string>, developmentMode = true) {
  const application = await testApplication(failing, { developmentMode });
  const response = await application.client.get(target, { headers });
  const text = await response.text();
  await application.stop(0);
  return { status: response.status, type: response.header('content-type') ?? '', text };
}

describe('the error page of development mode', () => {
  it('shows error, causes, stack and request to a browser, everything escaped', async () => {
    const { status, type, text } = await answer('/fail?q=%3Ci%3E&n=1', {
      Accept: 'text/html,*/*;q=0.8',
      'X-Seen': '<script>',
    });
    expect([status, type]).toEqual([500, 'text/html; charset=UTF-8']);
    expect(text).not.toContain('<b>broken');
    expect(text).not.toContain('<script>');
    expect(text).toContain('&#60;b&#62;broken');
    expect(text).toContain('Caused by: TypeError: the deeper cause');
    expect(text).toContain('error-answer.test.');
    expect(text).toContain('GET /fail?q=%3Ci%3E&#38;n=1');
  });

  it('shows the lines around the place', async () => {
    const { text } = await answer('/fail', { Accept: '*/*' });
    expect(text).toMatch(/<b>\s*\d+ {2}\s*throw new Error\(/);
  });

  it('masks the secrets of the client', async () => {
    const { text } = await answer('/fail?token=s3cret1&a=shown', {
      Accept: 'text/html',
      Authorization: 'Bearer s3cret2',
      Cookie: 'session=s3cret3',
      'Proxy-Authorization': 's3cret4',
      'X-Api-Key': 's3cret5',
    });
    expect(text).not.toContain('s3cret');
    expect(text).toContain('a=shown');
    expect(text).toContain('Authorization');
  });

  it('masks them in the URLs of other fields, and under encoded names', async () => {
    const { text } = await answer('/fail?%74oken=s3cret1&code=s3cret2&a=shown', {
      Accept: 'text/html',
      Referer: 'https://a.example/login?password=s3cret3&next=shop',
      'X-Forwarded-Uri': '/x?sid=s3cret4',
    });
    expect(text).not.toContain('s3cret');
    expect(text).toContain('next=shop');
  });

  it.each(['said', 'changed', 'inside'])('does not let a client choose the file: %s', async (how) => {
    folder.write('.', { 'private.txt': 'top-secret-line\n' });
    const what = encodeURIComponent(`x\n    at f (${folder.at('private.txt')}:1:1)\n`);
    for (const Accept of ['text/html', 'application/json']) {
      const { status, text } = await answer(`/${how}?what=${what}`, { Accept });
      expect(status).toBe(500);
      expect(text).not.toContain('top-secret-line');
    }
  });

  it('is a text for clients that take no HTML', async () => {
    const { status, type, text } = await answer('/fail', { Accept: 'application/json' });
    expect([status, type]).toEqual([500, 'text/plain; charset=UTF-8']);
    expect(text).toContain('500 Internal Server Error: <b>broken</b>');
    expect(text).toMatch(/> \d+ {7}throw new Error/);
  });

  it.each(['/null', '/hostile'])('survives what cannot be looked at: %s', async (target) => {
    expect((await answer(target, {})).status).toBe(500);
  });

  it('is for failures of ours only', async () => {
    expect(await answer('/bad', { Accept: 'text/html' })).toMatchObject({ status: 400, text: 'that is bad' });
    expect((await answer('/unavailable', { Accept: 'text/html' })).text).toContain('closed');
  });

  it('does not exist without development mode', async () => {
    expect(await answer('/fail', { Accept: 'text/html' }, false)).toEqual({
      status: 500,
      type: '',
      text: '',
    });
    expect((await answer('/unavailable', { Accept: 'text/html' }, false)).text).toBe('');
  });
});

describe('sourceExcerpt', () => {
  it('finds the first frame of the application', () => {
    const file = folder.at('own.js');
    writeFileSync(file, 'one\ntwo\nthree\n');
    const stack = [
      'Error: x',
      '    at node:internal/process/task_queues:95:5',
      '    at f (/a/node_modules/b/c.js:1:1)',
      `    at g (file://${file}?portico-generation=2:2:3)`,
    ].join('\n');
    expect(sourceExcerpt(stack)).toEqual({
      file,
      line: 2,
      lines: [
        [1, 'one'],
        [2, 'two'],
        [3, 'three'],
        [4, ''],
      ],
    });
  });

  it('goes by the source map, in the file or beside it', () => {
    const source = folder.at('own.ts');
    writeFileSync(source, 'type A = string;\n\nfail();\n');
    // One segment: line 1 of the compiled file is line 3 of the source.
    const map = JSON.stringify({ version: 3, sources: ['own.ts'], names: [], mappings: 'AAEA' });
    writeFileSync(folder.at('beside.js'), 'fail();\n//# sourceMappingURL=beside.js.map\n');
    writeFileSync(folder.at('beside.js.map'), map);
    const inline = Buffer.from(map).toString('base64');
    writeFileSync(
      folder.at('inline.js'),
      `fail();\n//# sourceMappingURL=data:application/json;base64,${inline}\n`,
    );
    for (const name of ['beside.js', 'inline.js'])
      expect(sourceExcerpt(`Error: x\n    at ${folder.at(name)}:1:1`)).toMatchObject({
        file: source,
        line: 3,
      });
  });

  it('shows the compiled file when its map is broken', () => {
    const file = folder.at('broken.js');
    writeFileSync(file, 'fail();\n//# sourceMappingURL=nowhere.js.map\n');
    expect(sourceExcerpt(`    at ${file}:1:1`)).toMatchObject({ file, line: 1 });
  });

  it('has nothing to show without a file that can be read', () => {
    expect(
      sourceExcerpt('Error: x\n    at f (/no/such/file.js:1:1)\n    at eval (eval:1:1)'),
    ).toBeUndefined();
    expect(sourceExcerpt('')).toBeUndefined();
  });
});
