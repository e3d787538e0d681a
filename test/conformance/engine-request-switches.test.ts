import { afterEach, describe, expect, it } from '@jest/globals';
import { type Application, ApplicationCallPipeline, ConsoleLog } from 'portico';
import { type ApplicationEngine, CIO, embeddedServer, Node, type RequestSettings } from 'portico/embedded';
import { RawClient } from '#test/support/raw-client.js';

const log = new ConsoleLog('silent');

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
    engine = embeddedServer(kind, { host: '127.0.0.1', port: 0, log, shutdownHook: false, request }, echo);
    await engine.start();
    client = await RawClient.open((await engine.resolvedConnectors())[0]?.port ?? 0);
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
