import type { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { CaseTable, FrameCase } from '#test/support/web-socket/case.js';
import { CLOSE_CASES } from '#test/support/web-socket/close-cases.js';
import { DEFLATE_CASES } from '#test/support/web-socket/deflate-cases.js';
import { close } from '#test/support/web-socket/frame.js';
import { FRAME_CASES } from '#test/support/web-socket/frame-cases.js';
import { LARGE_CASES } from '#test/support/web-socket/large-cases.js';
import { RawWebSocket } from '#test/support/web-socket/raw-web-socket.js';
import { startedSubject } from '#test/support/web-socket/started-subject.js';
import type { WebSocketSubject } from '#test/support/web-socket/subject.js';
import { UTF8_CASES } from '#test/support/web-socket/utf8-cases.js';

const TABLE: CaseTable = [...FRAME_CASES, ...UTF8_CASES, ...CLOSE_CASES, ...LARGE_CASES, ...DEFLATE_CASES];
/** Longest conversation that is also sent byte by byte; not to `ws` alone, which is not ours. */
const MAX_SPLIT_BYTES = 60;

/** Every conversation with one subject. `isPlain`: the application knows `ws` only, and the front just carries it. */
export function webSocketFramesSuite(
  name: string,
  start: () => Promise<WebSocketSubject>,
  { isPlain = false } = {},
): void {
  const subject = startedSubject(start);

  async function converse(one: FrameCase, isSplit: boolean): Promise<void> {
    const differs = isPlain ? one.ws : undefined;
    const bytes = Buffer.concat([...one.send, ...(differs?.send ?? [])]);
    if (isSplit && (isPlain || bytes.length > MAX_SPLIT_BYTES)) return;
    const gets = differs?.gets ?? one.gets;
    const extensions = one.extensions === undefined ? [] : [one.extensions];
    const { port, open } = subject();
    const client: RawWebSocket<Duplex> =
      open === undefined
        ? await RawWebSocket.open(port, '/echo', { extensions })
        : await open('/echo', extensions);
    try {
      if (one.extensions !== undefined) expect(client.extensions).toContain('permessage-deflate');
      if (one.first !== undefined) {
        client.send(...one.first.send);
        expect(await client.take(one.first.gets.length)).toEqual(one.first.gets);
      }
      if (isSplit) await client.drip(bytes);
      else client.send(bytes);
      const isOver = gets.at(-1)?.startsWith('close') === true;
      if (isOver) {
        expect(await client.rest()).toEqual([...gets, 'end']);
        return;
      }
      expect(await client.take(gets.length)).toEqual(gets);
      client.send(close(1000));
      expect(await client.rest()).toEqual(['close 1000', 'end']);
    } finally {
      client.destroy();
    }
  }

  describe.each(TABLE.map(([group, cases]) => ({ group, cases })))(
    `RFC 6455 on ${name}: $group`,
    ({ cases }) => {
      it.each(cases.map((one) => [`${one.name} (§${one.rfc})`, one] as const))('%s', async (_name, one) => {
        await converse(one, false);
        await converse(one, true);
      });
    },
  );
}
