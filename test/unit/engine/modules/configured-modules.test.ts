import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Application, ApplicationStopped, ConsoleLog, Events, PorticoError } from 'portico';
import { CIO, type EmbeddedSettings, embeddedServer } from 'portico/embedded';
import { loadModule } from '#host/engine/modules/named-module.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

let temporary: TemporaryFolder;
let folder: string;
beforeAll(() => {
  temporary = new TemporaryFolder();
  folder = temporary.write('app', {
    'dist/app.mjs':
      'export const one = (a) => void a.log.info("one"); export default (a) => void a.log.info("default");' +
      'export class Shop { static text = "static"; static main(a) { a.log.info(this.text); } } export const value = 1;' +
      'export async function late(a) { await new Promise((r) => setTimeout(r, 5)); a.log.info("late"); }' +
      'export function throwing() { throw new Error("boom"); } export const never = () => new Promise(() => {});',
    'common.cjs': 'exports.start = (a) => void a.log.info("common");',
    'throws.mjs': 'throw new Error("while loading");',
    'node_modules/plain/package.json': '{"main":"lib.js"}',
    'node_modules/plain/lib.js': 'module.exports = (a) => void a.log.info("plain");',
    'node_modules/plain/sub.js': 'exports.start = (a) => void a.log.info("sub");',
    'node_modules/@acme/shop/package.json':
      '{"type":"module","exports":{".":{"require":"./no.cjs","import":"./main.js"},"./parts/*":{"default":"./src/*.js"}}}',
    'node_modules/@acme/shop/main.js': 'export const start = (a) => void a.log.info("acme");',
    'node_modules/@acme/shop/src/cart.js': 'export default (a) => void a.log.info("cart");',
  });
});
afterAll(() => temporary.remove());

/** Log lines of the modules, in order. */
class Lines extends ConsoleLog {
  readonly lines: string[] = [];
  override info(message: string): void {
    if (!/^(?:Responding|Application started)/.test(message)) this.lines.push(message);
  }
}

async function run(
  application: Record<string, unknown>,
  more: EmbeddedSettings = {},
  code?: (a: Application) => void,
) {
  const log = new Lines('silent');
  const server = embeddedServer(
    CIO,
    { folder, port: 0, log, config: { portico: { application } }, ...more },
    code,
  );
  await server.start();
  await server.stop(0);
  return log.lines;
}

async function refusal(work: Promise<unknown>): Promise<PorticoError> {
  const error: unknown = await work.then(
    () => 'accepted',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PorticoError);
  return error as PorticoError;
}

describe('modules by name', () => {
  it.each([
    ['./dist/app.mjs#one', 'one'],
    ['dist/app.mjs', 'default'],
    ['dist/app.mjs#Shop.main', 'static'],
    ['common.cjs#start', 'common'],
    ['plain', 'plain'],
    ['plain/sub#start', 'sub'],
    ['@acme/shop#start', 'acme'],
    ['@acme/shop/parts/cart', 'cart'],
  ])('%s', async (reference, line) => {
    expect(await run({ modules: [reference] })).toEqual([line]);
  });

  it('run in the order of the configuration, then those of the code', async () => {
    const modules = ['dist/app.mjs#late', 'dist/app.mjs#one'];
    const code = (application: Application) => void application.log.info('code');
    expect(await run({ modules }, {}, code)).toEqual(['late', 'one', 'code']);
    expect(await run({ modules, startup: 'concurrent' }, {}, code)).toEqual(['code', 'one', 'late']);
    expect(await run({ modules: 'dist/app.mjs#one' })).toEqual(['one']);
  });

  it.each([
    ['dist/none.mjs#one', 'PORTICO_ENTRY_MISSING', /no file/],
    ['dist/app.mjs#two', 'PORTICO_EXPORT_MISSING', /no export "two".*one \(function/],
    ['common.cjs#none', 'PORTICO_EXPORT_MISSING', /no export "none"/],
    ['dist/app.mjs#value', 'PORTICO_EXPORT_NOT_A_FUNCTION', /no function/],
    ['dist/app.mjs#Shop', 'PORTICO_EXPORT_NOT_A_FUNCTION', /class/],
    ['dist/app.mjs#', 'PORTICO_EXPORT_MISSING', /not of the form file#function/],
    ['#one', 'PORTICO_EXPORT_MISSING', /not of the form file#function/],
    ['../outside.mjs#one', 'PORTICO_ENTRY_MISSING', /no file/],
    ['throws.mjs#one', 'PORTICO_MODULE_THREW', /while loading/],
    ['unknown-package#one', 'PORTICO_DEPENDENCY_MISSING', /neither a file .* nor exported by a package/],
    ['@acme/shop/none#one', 'PORTICO_DEPENDENCY_MISSING', /@acme\/shop\/none/],
  ])('%s cannot be taken', async (reference, code, message) => {
    const error = await refusal(loadModule(folder, reference));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it('fail the start, and stop the application once', async () => {
    const stops: unknown[] = [];
    const monitor = new Events();
    monitor.subscribe(ApplicationStopped, (application) => void stops.push(application));
    await expect(run({ modules: ['dist/app.mjs#throwing'] }, { monitor })).rejects.toThrow('boom');
    await expect(run({ modules: ['dist/app.mjs#two'] }, { monitor })).rejects.toThrow(/no export "two"/);
    const late = await refusal(
      run({ modules: ['dist/app.mjs#never'], startupTimeoutMillis: 20 }, { monitor }),
    );
    expect([late.code, stops.length]).toEqual(['PORTICO_START_TIMEOUT', 3]);
  });

  it.each([0, -5, 2 ** 31, 'soon'])('are refused %s ms for the start', (startupTimeoutMillis) => {
    const settings = { config: { portico: { application: { startupTimeoutMillis } } } };
    expect(() => embeddedServer(CIO, settings)).toThrow(
      expect.objectContaining({ code: 'PORTICO_PROPERTY_TYPE' }),
    );
  });

  it('are refused with a startup that is neither sequential nor concurrent', () => {
    const settings = { config: { ktor: { application: { startup: 'lazy' } } } };
    expect(() => embeddedServer(CIO, settings)).toThrow(
      expect.objectContaining({
        code: 'PORTICO_STARTUP_INVALID',
        message: expect.stringContaining('Invalid startup mode: "lazy"'),
      }),
    );
  });
});
