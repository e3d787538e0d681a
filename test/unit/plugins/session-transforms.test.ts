import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encrypted, signed } from 'portico/plugins/sessions';

const keys = (byte: number) => ({ encryptionKey: Buffer.alloc(32, byte), signKey: `sign ${byte}` });
const transforms = {
  signed: signed('secret'),
  encrypted: encrypted(keys(1)),
};

describe.each(Object.entries(transforms))('%s', (_, transform) => {
  it('gives back any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(transform.read(transform.write(text))).toBe(text);
      }),
    );
  });

  it('gives nothing when a single character was changed, left out or added', () => {
    const text = transform.write('{"user":"jo"}');
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === '0' ? '1' : '0';
      for (const middle of [other, '', `${text[at]}0`])
        expect(transform.read(text.slice(0, at) + middle + text.slice(at + 1))).toBeUndefined();
    }
  });

  it('gives nothing for whatever else comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(transform.read(text)).toBeUndefined();
      }),
    );
    for (const text of ['', '/', '/:', 'a/b:c', '//', '00/00:00'])
      expect(transform.read(text)).toBeUndefined();
  });
});

describe.each(['signed', 'encrypted'] as const)('%s with an age', (kind) => {
  let nowMs = 1_000_000_000_000;
  const aged = (maxAgeSeconds: number | undefined) => {
    const options = { now: () => nowMs, ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }) };
    return kind === 'signed' ? signed('secret', options) : encrypted(keys(1), options);
  };

  it('gives back what is young enough, however often', () => {
    const text = aged(60).write('7~x');
    for (const later of [0, 30_000, 30_000]) {
      nowMs += later;
      expect(aged(60).read(text)).toBe('7~x');
    }
    nowMs += 2000;
    expect(aged(60).read(text)).toBeUndefined();
    // The server decides, not what was written.
    expect(aged(90).read(text)).toBe('7~x');
  });

  it('gives nothing of what was written without, or much later than now', () => {
    expect(aged(60).read(aged(undefined).write('x'))).toBeUndefined();
    expect(aged(60).read(aged(undefined).write('x~y'))).toBeUndefined();
    const text = aged(60).write('x');
    nowMs -= 3_600_000;
    expect(aged(60).read(text)).toBeUndefined();
  });

  it.each([0, -1, Number.NaN])('refuses the age %s', (maxAgeSeconds) => {
    expect(() => aged(maxAgeSeconds)).toThrow('Give a number above 0');
  });
});

describe('keys', () => {
  it('are rotated: the first writes, all are read', () => {
    const old = signed('old');
    const both = signed(['new', 'old']);
    expect(both.read(old.write('x'))).toBe('x');
    expect(signed('new').read(both.write('x'))).toBe('x');
    expect(signed('new').read(old.write('x'))).toBeUndefined();

    const oldCipher = encrypted(keys(1));
    const bothCiphers = encrypted([keys(2), keys(1)]);
    expect(bothCiphers.read(oldCipher.write('x'))).toBe('x');
    expect(encrypted(keys(2)).read(bothCiphers.write('x'))).toBe('x');
    expect(encrypted(keys(2)).read(oldCipher.write('x'))).toBeUndefined();
  });

  it.each([
    () => signed(''),
    () => signed([]),
    () => encrypted([]),
    () => encrypted({ encryptionKey: 'short', signKey: 'x' }),
    () => encrypted({ encryptionKey: Buffer.alloc(16), signKey: '' }),
  ])('are refused when they protect nothing (%#)', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'PORTICO_SESSION_KEY' }));
  });
});

describe('encrypted', () => {
  it('covers the initialization vector, which Ktor does not', () => {
    const flip = (text: string) => (text.startsWith('0') ? '1' : '0') + text.slice(1);
    const own = encrypted(keys(1));
    expect(own.read(flip(own.write('text')))).toBeUndefined();
    const ktor = encrypted(keys(1), { isKtorCompatible: true });
    expect(ktor.read(flip(ktor.write('text')))).toBeDefined();
  });

  it('writes one text in a new way each time', () => {
    const { write } = encrypted(keys(1));
    expect(write('x')).not.toBe(write('x'));
  });
});
