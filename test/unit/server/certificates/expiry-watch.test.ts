import { describe, expect, it } from '@jest/globals';
import { createServerLog } from '#host/log/server-log.js';
import { ExpiryWatch } from '#host/server/certificates/expiry-watch.js';

const DAY = 86_400_000;

/** What the log says of a certificate that lives so long, looked at so many days before its end, in this order. */
function said(lifeDays: number, ...daysLeft: number[]): string[] {
  const lines: { level: string; event: string; connector: string; hosts: string[]; daysLeft: number }[] = [];
  const log = createServerLog({ format: 'json', out: { write: (text) => lines.push(JSON.parse(text)) } });
  const end = 100_000 * DAY;
  const certificate = {
    connector: 'https',
    hosts: ['a.example', 'b.example'],
    notBefore: new Date(end - lifeDays * DAY),
    notAfter: new Date(end),
    fingerprint256: 'AB',
  };
  const watch = new ExpiryWatch(() => [certificate], log);
  for (const days of daysLeft) watch.look(end - days * DAY);
  return lines.map((line) => {
    expect(line).toMatchObject({
      event: 'certificate-expiry',
      connector: 'https',
      hosts: ['a.example', 'b.example'],
    });
    return `${line.level} ${line.daysLeft}`;
  });
}

describe('ExpiryWatch', () => {
  it('warns 30, 14, 7 and 1 days before the end, once each, and when it has come', () => {
    expect(said(365, 40, 31, 30, 29, 20, 14, 13, 8, 7, 2, 1, 0.5, 0, -1)).toEqual([
      'warn 30',
      'warn 14',
      'warn 7',
      'warn 1',
      'error 0',
    ]);
  });

  it('says only the last step when several have passed, as at a start', () => {
    expect(said(365, 5, 5)).toEqual(['warn 5']);
    expect(said(365, -3)).toEqual(['error -3']);
  });

  it('leaves out steps that a certificate of a short life comes to before it is renewed', () => {
    expect(said(90, 30, 20, 14)).toEqual(['warn 14']);
    expect(said(6, 5, 2, 1)).toEqual(['warn 1']);
  });

  it('says that the time of a certificate has not come', () => {
    expect(said(365, 366, 365.5, 300)).toEqual(['error 366']);
  });

  it('begins anew for the next certificate', () => {
    const lines: string[] = [];
    const log = createServerLog({ format: 'json', out: { write: (text) => lines.push(text) } });
    const times = { connector: 'https', hosts: [], notBefore: new Date(0), notAfter: new Date(365 * DAY) };
    let fingerprint256 = 'one';
    const watch = new ExpiryWatch(() => [{ ...times, fingerprint256 }], log);
    watch.look(360 * DAY);
    watch.look(360 * DAY);
    expect(lines).toHaveLength(1);
    fingerprint256 = 'two';
    watch.look(360 * DAY);
    expect(lines).toHaveLength(2);
  });
});
