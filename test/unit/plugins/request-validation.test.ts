import { afterEach, describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import { type Application, ReceiveType, routing } from 'portico';
import { ContentNegotiation } from 'portico/plugins/content-negotiation';
import {
  RequestValidation,
  type RequestValidationConfig,
  RequestValidationError,
} from 'portico/plugins/request-validation';
import { StatusPages } from 'portico/plugins/status-pages';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import * as v from 'valibot';
import { z } from 'zod';

class Customer {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}
const CUSTOMER = new ReceiveType<Customer>('Customer');
const ORDER = z.object({ count: z.number() });

describe('RequestValidation', () => {
  let engine: TestApplicationEngine;
  afterEach(() => engine.stop(0));

  async function start(
    configure: (config: RequestValidationConfig) => void,
    module: (app: Application) => void = () => undefined,
  ) {
    engine = await testApplication((app) => {
      module(app);
      app.install(RequestValidation, configure);
      app.install(ContentNegotiation, (config) => {
        config.json();
        config.register('text/customer', {
          deserialize: async ({ text }) => new Customer(Number(await text())),
        });
      });
      routing(app, (r) => {
        r.post('/text', (call) => call.receiveText());
        r.post('/json', async (call) => call.receiveJson());
        r.post('/customer', async (call) => call.receive(CUSTOMER));
        r.post('/order', async (call) => call.receive(ORDER));
        r.post('/stream', async (call) =>
          String(Buffer.concat(await (await call.receiveStream()).toArray())),
        );
      });
    });
    return async (path: string, body: string, contentType = 'application/json') => {
      const response = await engine.client.post(path, { body, headers: { 'Content-Type': contentType } });
      return `${response.status} ${await response.text()}`;
    };
  }

  it('validates by class, by receive type, by schema and by filter, and joins all reasons', async () => {
    const post = await start((config) => {
      config.validate(Customer, ({ id }) => (id > 0 ? undefined : ['too small', `${id} is no id`]));
      config.validate(CUSTOMER, async ({ id }) => (id < 100 ? undefined : 'too large'));
      config.validateWhere(
        (value) => value instanceof Customer,
        (value) => ((value as Customer).id === 7 ? 'unlucky' : undefined),
      );
      config.validate(ORDER, ({ count }) => (count === 0 ? 'an empty order' : undefined));
      config.validate(String, (text) => (text.length > 3 ? 'too long' : undefined));
    });
    const customer = (id: string) => post('/customer', id, 'text/customer');
    expect(await customer('5')).toBe('200 {"id":5}');
    expect(await customer('0')).toBe('400 The request is not valid: too small, 0 is no id');
    expect(await customer('100')).toBe('400 The request is not valid: too large');
    expect(await customer('7')).toBe('400 The request is not valid: unlucky');
    expect(await post('/order', '{"count":0}')).toBe('400 The request is not valid: an empty order');
    expect(await post('/order', '{"count":1}')).toBe('200 {"count":1}');
    expect(await post('/text', 'long text', 'text/plain')).toBe('400 The request is not valid: too long');
  });

  it.each([
    ['zod', z.object({ n: z.number() })],
    ['valibot', v.object({ n: v.number() })],
    ['arktype', type({ n: 'number' })],
  ])('takes schemas of %s for validations', async (_library, schema) => {
    const post = await start((config) => config.validate(ReceiveType.JSON, schema));
    expect(await post('/json', '{"n":1}')).toBe('200 {"n":1}');
    expect(await post('/json', '{"n":"1"}')).toMatch(/^400 The request is not valid: n: ./);
  });

  it('gives value and reasons to status pages', async () => {
    const post = await start(
      (config) => config.validate(ReceiveType.TEXT, () => ['one', 'two']),
      (app) =>
        app.install(StatusPages, (config) => {
          config.exception(RequestValidationError, (call, { value, reasons }) =>
            call.respondJson({ value, reasons }, 422),
          );
        }),
    );
    expect(await post('/text', 'x', 'text/plain')).toBe('422 {"value":"x","reasons":["one","two"]}');
  });

  it('leaves streams alone', async () => {
    const post = await start((config) =>
      config.validateWhere(
        () => true,
        () => 'no',
      ),
    );
    expect(await post('/stream', 'x')).toBe('200 x');
  });

  it('fails with 500 when a validation throws', async () => {
    const post = await start((config) =>
      config.validate(ReceiveType.TEXT, () => {
        throw new TypeError('mistake');
      }),
    );
    expect(await post('/text', 'x', 'text/plain')).toMatch(/^500/);
  });
});
