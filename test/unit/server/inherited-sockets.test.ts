import { describe, expect, it } from '@jest/globals';
import { InheritedSockets } from '#host/server/systemd/inherited-sockets.js';

const PID = 4711;

describe('the sockets that systemd has passed', () => {
  it('are taken by their names, in order, each once', () => {
    const env = { LISTEN_PID: '4711', LISTEN_FDS: '3', LISTEN_FDNAMES: 'http:https:http', HOME: '/' };
    const sockets = InheritedSockets.takeFrom(env, PID);
    expect(env).toEqual({ HOME: '/' });
    expect(sockets.names).toEqual(['http', 'https', 'http']);
    expect(sockets.take('a', 'http')).toBe(3);
    expect(sockets.take('b', 'http')).toBe(5);
    expect(sockets.unused).toEqual(['https']);
    expect(() => sockets.take('c', 'http')).toThrow(
      /Connector c wants a socket that systemd calls "http", but systemd has passed http, https, http/,
    );
    expect(sockets.take('d', 'https')).toBe(4);
  });

  it('may be without names', () => {
    const sockets = InheritedSockets.takeFrom({ LISTEN_PID: '4711', LISTEN_FDS: '2' }, PID);
    expect([sockets.take('a', 'unknown'), sockets.take('b', 'unknown')]).toEqual([3, 4]);
  });

  it.each([
    {},
    { LISTEN_FDS: '1' },
    { LISTEN_PID: '4712', LISTEN_FDS: '1' },
    { LISTEN_PID: '4711', LISTEN_FDS: '0' },
    { LISTEN_PID: '4711', LISTEN_FDS: '-1' },
    { LISTEN_PID: '4711', LISTEN_FDS: '1x' },
    { LISTEN_PID: '4711', LISTEN_FDS: '9999' },
  ])('are none with %j', (env) => {
    const sockets = InheritedSockets.takeFrom(env, PID);
    expect(sockets.names).toEqual([]);
    expect(env).toEqual({});
    expect(() => sockets.take('a', 'http')).toThrow(/but systemd has passed none/);
  });
});
