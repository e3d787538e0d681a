import { describe, expect, it } from '@jest/globals';
import { PorticoError } from '#host/errors.js';
import { createServerLog } from '#host/log/server-log.js';

function written(
  format: 'auto' | 'text' | 'json',
  isTTY: boolean,
  write: (log: ReturnType<typeof createServerLog>) => void,
): string {
  let text = '';
  const out = {
    isTTY,
    write: (more: string): void => {
      text += more;
    },
  };
  write(createServerLog({ format, out }));
  return text;
}

describe('the server log', () => {
  it('is one JSON object a line when nobody reads along', () => {
    const text = written('auto', false, (log) => log.info({ application: 'shop' }, 'deployed'));
    expect(JSON.parse(text)).toMatchObject({ level: 'info', application: 'shop', msg: 'deployed' });
  });

  it('is text on a terminal and where it is asked for', () => {
    const pattern = /^\d\d:\d\d:\d\d\.\d{3} warn {2}slow down application="the shop" count=3\n$/;
    const warn = (log: ReturnType<typeof createServerLog>): void =>
      log.warn({ application: 'the shop', count: 3 }, 'slow down');
    expect(written('auto', true, warn)).toMatch(pattern);
    expect(written('text', false, warn)).toMatch(pattern);
    expect(written('json', true, warn)).toMatch(/^\{/);
  });

  it.each(['text', 'json'] as const)('is one line for each event, whatever is in it (%s)', (format) => {
    const evil = 'a\nb\r\u001b[31m\u2028 "q" error=none';
    const text = written(format, false, (log) => {
      log.error({ name: evil, err: new PorticoError('PORTICO_X', evil) }, evil);
      log.error({ err: new TypeError(evil) }, 'second');
      log.debug('not shown');
    });
    expect(text.split('\n').length).toBe(3);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f]/);
    expect(text).toContain('TypeError');
  });
});
