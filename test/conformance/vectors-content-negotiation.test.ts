import { afterEach, describe, expect, it } from '@jest/globals';
import { type ApplicationCall, MediaType, ReceiveType, routing } from 'portico';
import {
  type ContentConverter,
  ContentNegotiation,
  type ContentNegotiationConfig,
} from 'portico/plugins/content-negotiation';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { readVectors } from '#test/support/vectors.js';

interface Request {
  readonly respond?: { readonly text?: string; readonly wrapper?: string };
  readonly receive?: 'text' | 'rawText' | 'bytes' | 'stream' | 'parameters' | 'wrapper' | 'object';
  readonly body?: string;
  readonly query?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly respondTemplate?: string;
  readonly respondWrapperTemplate?: string;
  readonly respondReceived?: boolean;
  readonly expect: {
    readonly status?: number;
    readonly contentType?: string | null;
    readonly charset?: string;
    readonly body?: string;
    readonly parameters?: Readonly<Record<string, readonly string[]>>;
    readonly attempted?: readonly string[];
  };
}
interface Case {
  readonly name: string;
  readonly converters: readonly {
    readonly contentType: string;
    readonly converter: { readonly type: string; readonly format?: string; readonly text?: string };
  }[];
  readonly options: {
    readonly checkAcceptHeaderCompliance?: boolean;
    readonly acceptFromQuery?: { readonly param: string; readonly map: Record<string, readonly string[]> };
  };
  readonly requests: readonly Request[];
}

class Wrapper {
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }
}
const WRAPPER = new ReceiveType<Wrapper>('Wrapper');
const OBJECT = new ReceiveType<unknown>('object');

const { cases } = readVectors<{ cases: readonly Case[] }>('content-negotiation');

describe('vectors content-negotiation', () => {
  let engine: TestApplicationEngine;
  afterEach(() => engine.stop(0));

  it.each(cases)('$name', async ({ converters, options, requests }) => {
    const attempted: string[] = [];
    let current: Request | undefined;
    engine = await testApplication((app) => {
      app.install(ContentNegotiation, (config) => {
        for (const { contentType, converter } of converters)
          config.register(contentType, converterOf(converter, attempted));
        configure(config, options);
      });
      routing(app, (r) => r.route('/').handle((call) => answer(call, current as Request)));
    });
    for (const request of requests) {
      current = request;
      attempted.length = 0;
      const { body = '', headers, query = '', expect: wanted } = request;
      const response = await engine.client.post(`/${query}`, { body, headers });
      const type = MediaType.parseOrUndefined(response.header('content-type') ?? '');
      if (wanted.status !== undefined) expect(response.status).toBe(wanted.status);
      if (wanted.contentType !== undefined) expect(type?.essence ?? null).toBe(wanted.contentType);
      if (wanted.charset !== undefined) expect(type?.parameter('charset')).toBe(wanted.charset);
      const text = await response.text();
      if (wanted.body !== undefined) expect(text).toBe(wanted.body);
      if (wanted.parameters !== undefined) expect(JSON.parse(text)).toEqual(wanted.parameters);
      if (wanted.attempted !== undefined) expect(attempted).toEqual(wanted.attempted);
    }
  });
});

function configure(config: ContentNegotiationConfig, options: Case['options']): void {
  config.checkAcceptHeaderCompliance = options.checkAcceptHeaderCompliance === true;
  const { acceptFromQuery: from } = options;
  if (from === undefined) return;
  config.acceptContributor(({ request }, accepted) => {
    const types = from.map[request.queryParameters.get(from.param) ?? ''];
    return types?.map((type) => ({ mediaType: MediaType.parse(type), quality: 1 })) ?? accepted;
  });
}

function converterOf(
  { type, format = '', text }: Case['converters'][number]['converter'],
  attempted: string[],
) {
  const [before = '', after = ''] = format.split(/\$\{value\}/);
  const converter: ContentConverter = {
    serialize({ value }) {
      if (type === 'mustNotRun') throw new Error('This converter must not run.');
      return type === 'wrapper' && value instanceof Wrapper ? before + value.value + after : undefined;
    },
    async deserialize(context) {
      attempted.push(type);
      if (type === 'mustNotRun') throw new Error('This converter must not run.');
      if (type === 'okText') return text;
      if (type !== 'wrapper' || context.type !== WRAPPER) return undefined;
      const body = await context.text();
      return new Wrapper(body.slice(before.length, body.length - after.length));
    },
  };
  return converter;
}

async function answer(call: ApplicationCall, request: Request): Promise<unknown> {
  const { respond, respondTemplate, respondWrapperTemplate, respondReceived, receive } = request;
  if (respond !== undefined) return call.respond(respond.text ?? new Wrapper(respond.wrapper ?? ''));
  const received = await receiveAs(call, receive);
  if (respondReceived === true) return call.respond(received);
  if (respondWrapperTemplate !== undefined)
    return call.respond(new Wrapper(filled(respondWrapperTemplate, received)));
  if (respondTemplate !== undefined) return call.respondText(filled(respondTemplate, received));
  return call.respondJson(received);
}

async function receiveAs(call: ApplicationCall, receive: Request['receive']): Promise<unknown> {
  switch (receive) {
    case 'wrapper':
      return (await call.receive(WRAPPER)).value;
    case 'object':
      return call.receive(OBJECT);
    case 'bytes':
      return call.receiveBytes();
    case 'stream':
      return Buffer.concat(await (await call.receiveStream()).toArray());
    case 'parameters':
      return Object.fromEntries(await call.receiveForm());
    default:
      return call.receiveText();
  }
}

function filled(template: string, received: unknown): string {
  return template
    .replace(/\$\{received\}/, String(received))
    .replace(/\$\{length\}/, String((received as { length: number }).length));
}
