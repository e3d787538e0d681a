import { afterEach, describe, expect, it } from '@jest/globals';
import { ConsoleLog, type Log, type LogLevel, routing } from 'portico';
import { type TestApplicationEngine, testApplication } from 'portico/testing';

class CollectingLog extends ConsoleLog implements Log {
  readonly lines: string[] = [];

  override trace(message: string): void {
    if (this.isLevelEnabled('trace')) this.lines.push(message);
  }

  override info(): void {
    // Only traces and errors are of interest.
  }

  override error(message: string): void {
    this.lines.push(message);
  }
}

describe('the trace of routing', () => {
  let engine: TestApplicationEngine | undefined;
  afterEach(() => engine?.stop(0));
  const start = async (texts: string[], log: Log = new ConsoleLog('silent')): Promise<void> => {
    engine = await testApplication(
      (app) => {
        routing(app, (r) => {
          r.trace((trace) => texts.push(trace.buildText()));
          r.get('/bar', () => 'bar');
          r.get('/baz', () => 'baz');
          r.get('/{param}', () => 'param');
          r.get('/{param}/x', () => 'x');
          r.header('a', 'x').get(() => 'a');
        });
      },
      { log },
    );
  };

  it('tells each node, why it was left, and the result', async () => {
    const texts: string[] = [];
    await start(texts);
    expect(await (await engine?.client.get('/bar'))?.text()).toBe('bar');
    expect(texts).toEqual([
      [
        'Trace for [bar]',
        '/, segment:0 -> SUCCESS @ /',
        '  /bar, segment:1 -> SUCCESS @ /bar',
        '    /bar [(method:GET)], segment:1 -> SUCCESS @ /bar [(method:GET)]',
        `  /baz, segment:0 -> FAILURE "Selector didn't match" @ /baz`,
        '  /{param}, segment:0 -> FAILURE "Better match was already found" @ /{param}',
        `  / [(header:a = x)], segment:0 -> FAILURE "Selector didn't match" @ / [(header:a = x)]`,
        'Matched routes:',
        '  "" -> "bar" -> "(method:GET)"',
        'Routing resolve result:',
        '  SUCCESS @ /bar [(method:GET)]',
      ].join('\n'),
    ]);
  });

  it('tells parameters', async () => {
    const texts: string[] = [];
    await start(texts);
    await engine?.client.get('/p/x');
    const lines = texts[0]?.split('\n') ?? [];
    expect(lines).toContain('  /{param}, segment:1 -> SUCCESS; Parameters [param=[p]] @ /{param}');
    expect(lines).toContain(
      '    /{param} [(method:GET)], segment:1 -> FAILURE "Not all segments matched" @ /{param} [(method:GET)]',
    );
    expect(lines.at(-1)).toBe('  SUCCESS; Parameters [param=[p]] @ /{param}/x [(method:GET)]');
  });

  it('tells that there is no result', async () => {
    const texts: string[] = [];
    await start(texts);
    await engine?.client.get('/a/b/c');
    expect(texts[0]?.split('\n').slice(-4)).toEqual([
      'Matched routes:',
      '  No results',
      'Routing resolve result:',
      '  FAILURE "No matched subtrees found", status 404 @ /',
    ]);
  });

  it.each<[LogLevel, number]>([
    ['trace', 1],
    ['debug', 0],
  ])('is logged at level %s: %d', async (level, count) => {
    const log = new CollectingLog(level);
    await start([], log);
    await engine?.client.get('/bar');
    expect(log.lines.filter((line) => line.startsWith('Trace for [bar]'))).toHaveLength(count);
  });

  it('does not fail a call when a tracer fails', async () => {
    const log = new CollectingLog('silent');
    engine = await testApplication(
      (app) => {
        routing(app, (r) => {
          r.trace(() => {
            throw new Error('on purpose');
          });
          r.get('/', () => 'fine');
        });
      },
      { log },
    );
    expect(await (await engine.client.get('/'))?.text()).toBe('fine');
    expect(log.lines).toEqual(['A tracer of routing failed; the call goes on.']);
  });
});
