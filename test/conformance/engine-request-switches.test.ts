import { afterEach, describe, expect, it } from '@jest/globals';
import { type Application, ApplicationCallPipeline } from 'portico';
import { type ApplicationEngine, CIO, Node, type RequestSettings } from 'portico/embedded';
import { startEmbedded } from '#test/support/embedded-engine.js';
import { RawClient } from '#test/support/raw-client.js';

/** Tells what it was asked. */
function echo(application: Application): void {
  application.intercept(ApplicationCallPipeline.Call, ({ context: call }) =>
    call.respondText(`${call.method} ${call.request.path}`),
  );
}

describe.each([CIO, Node])('the strict rules of the engine $name', (kind) => {
  let engine: ApplicationEngine;
  let client: RawClient;
  afterEach(async () => {
    client.destroy();
    await engine.stop();
  });

  async function ask(line: string, request?: Partial<RequestSettings>): Promise<string> {
    const started = await startEmbedded(kind, echo, { shutdownHook: false, request });
    engine = started.engine;
    client = await RawClient.open(started.port);
    client.send(`${line} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    const response = await client.response();
    return response?.status === 200 ? response.body.toString() : String(response?.status);
  }

  it.each([
    ['GET /%zz', undefined, '400'],
    ['TRACE /x', undefined, '405'],
    ['GET /%zz', { trace: 'pass' }, '400'],
    ['TRACE /x', { malformedEscapes: 'pass' }, '405'],
    ['GET //%41/caf%E9', { malformedEscapes: 'pass' }, 'GET /A/caf%E9'],
    ['GET http://a.example/%zz', { malformedEscapes: 'pass' }, 'GET /%zz'],
    ['GET /%zz%2F', { malformedEscapes: 'pass' }, '400'],
    ['GET /%zz/../..', { malformedEscapes: 'pass' }, '400'],
    ['TRACE /x', { trace: 'pass' }, 'TRACE /x'],
  ] as const)('answer %s with %j by %s', async (line, request, answer) => {
    expect(await ask(line, request)).toBe(answer);
  });
});
