import { afterEach, describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import { type ApplicationCall, routing } from 'portico';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import * as v from 'valibot';
import { z } from 'zod';

describe('receiving', () => {
  let engine: TestApplicationEngine;
  afterEach(() => engine.stop(0));

  async function start(answer: (call: ApplicationCall) => unknown): Promise<void> {
    engine = await testApplication((app) => {
      routing(app, (r) => r.post('/', answer));
    });
  }

  const post = async (contentType: string | undefined, body: string | Uint8Array) => {
    const headers: Record<string, string> = contentType === undefined ? {} : { 'Content-Type': contentType };
    const response = await engine.client.post('/', { body, headers });
    return { status: response.status, text: await response.text() };
  };

  describe('by a schema', () => {
    const zod = z.object({ name: z.string(), age: z.coerce.number().min(18) });
    const valibot = v.object({
      name: v.string(),
      age: v.pipe(v.unknown(), v.transform(Number), v.minValue(18)),
    });
    const ark = type({ name: 'string', age: 'string.numeric.parse | number' }).narrow(
      ({ age }, context) => age >= 18 || context.reject('at least 18'),
    );

    it.each([
      ['zod', zod],
      ['valibot', valibot],
      ['arktype', ark],
    ])('of %s gives what the schema makes of JSON or of a form', async (_library, schema) => {
      await start(async (call) => {
        const person: { name: string; age: number } = await call.receive(schema);
        return { ...person, next: person.age + 1 };
      });
      const wanted = { status: 200, text: '{"name":"Ann","age":30,"next":31}' };
      expect(await post('application/json', '{"name":"Ann","age":30}')).toEqual(wanted);
      expect(await post('application/x-www-form-urlencoded', 'name=Ann&age=30')).toEqual(wanted);
      const form = new FormData();
      form.append('name', 'Ann');
      form.append('age', '30');
      const multipart = await engine.client.post('/', { multipart: form });
      expect(await multipart.text()).toBe(wanted.text);
    });

    it.each([
      ['zod', zod],
      ['valibot', valibot],
      ['arktype', ark],
    ])('of %s refuses with 400 and says why', async (_library, schema) => {
      await start((call) => call.receive(schema));
      const { status, text } = await post('application/json', '{"name":1,"age":30}');
      expect([status, text]).toEqual([400, expect.stringMatching(/^The request is not valid: name: ./)]);
      expect((await post('application/json', 'null')).status).toBe(400);
    });

    it('gives lists for fields that come more than once, and takes __proto__ for a name', async () => {
      await start(async (call) => call.receive(z.record(z.string(), z.unknown())));
      expect(await post('application/x-www-form-urlencoded', 'a=1&a=2&b&c=x')).toEqual({
        status: 200,
        text: '{"a":["1","2"],"b":"","c":"x"}',
      });
      await post('application/x-www-form-urlencoded', '__proto__=x');
      expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    });
  });

  it.each([
    ['malformed JSON', 'application/json', '{"a":', 400],
    ['an empty body', 'application/json', '', 400],
    ['no content type', undefined, '{}', 415],
    ['another content type', 'text/plain', '{}', 415],
    ['a malformed content type', 'application', '{}', 400],
    ['a charset that is not known', 'application/json; charset=klingon', '{}', 400],
    ['a JSON type of its own', 'application/problem+json', '{}', 200],
    ['JSON null', 'application/json', 'null', 200],
  ])('JSON: %s', async (_what, contentType, body, status) => {
    await start(async (call) => ({ value: await call.receiveJson() }));
    expect((await post(contentType, body)).status).toBe(status);
  });

  it.each([
    ['a field', 'application/x-www-form-urlencoded', 'a=1', 200],
    ['a bad escape', 'application/x-www-form-urlencoded', 'a=%zz', 400],
    ['a cut escape', 'application/x-www-form-urlencoded', 'a=%2', 400],
    ['another type', 'text/plain', 'a=1', 415],
    ['a malformed multipart form', 'multipart/form-data; boundary=x', 'a=1', 400],
  ])('a form: %s', async (_what, contentType, body, status) => {
    await start(async (call) => (await call.receiveForm()).get('a'));
    expect((await post(contentType, body)).status).toBe(status);
  });

  it('a multipart form as fields, without its files', async () => {
    await start(async (call) => (await call.receiveForm({ maxBytes: 10 })).toObject());
    const form = new FormData();
    form.append('a', '12345');
    form.append('f', new Blob(['x'.repeat(1000)]), 'f.txt');
    const response = await engine.client.post('/', { multipart: form });
    expect(await response.text()).toBe('{"a":"12345"}');
    form.append('b', '678901');
    expect((await engine.client.post('/', { multipart: form })).status).toBe(413);
  });

  it.each(['utf-8', 'utf-16le'] as const)('without the byte order mark of %s', async (charset) => {
    await start(async (call) => [await call.receiveJson()]);
    const body = Buffer.from('\uFEFF{"a":1}', charset);
    expect(await post(`application/json; charset=${charset}`, body)).toEqual({
      status: 200,
      text: '[{"a":1}]',
    });
    expect((await post('application/json', Buffer.from('\uFEFF\uFEFF1'))).status).toBe(400);
  });

  it('a text in another charset', async () => {
    await start((call) => call.receiveText());
    expect((await post('text/plain; charset=iso-8859-1', Buffer.from('ü', 'latin1'))).text).toBe('ü');
    expect((await post('text/plain; charset=klingon', 'x')).status).toBe(400);
  });
});
