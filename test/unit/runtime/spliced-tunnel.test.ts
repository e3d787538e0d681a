import { describe, expect, it } from '@jest/globals';
import { SplicedTunnel } from '#host/runtime/process/spliced-tunnel.js';
import { until } from '#test/support/polling.js';
import { ScriptedExchange } from '#test/support/scripted-exchange.js';

const text = Buffer.from([0x81, 0x02, 0x68, 0x69]);
const ownClose = Buffer.from([0x88, 0x02, 0x0f, 0xa0]);
const application = { write: () => true, consumed: () => undefined, end: () => undefined };

function tunnel(): { readonly client: ScriptedExchange; readonly spliced: SplicedTunnel } {
  const client = new ScriptedExchange({ upgrade: 'websocket', bodyLength: -1 });
  client.listen({
    data: () => undefined,
    end: () => undefined,
    drain: () => undefined,
    aborted: () => undefined,
  });
  client.begin(101, []);
  return { client, spliced: new SplicedTunnel(client, application) };
}

const sent = (client: ScriptedExchange): Buffer => Buffer.concat(client.chunks);

describe('a tunnel that is asked to go away', () => {
  it('says 1001 at once when nobody is to be waited for', () => {
    const { client, spliced } = tunnel();
    spliced.goAway();
    expect([sent(client)[0], sent(client).readUInt16BE(2)]).toEqual([0x88, 1001]);
    spliced.fromApplication(text);
    expect(sent(client).includes(text)).toBe(false);
  });

  it('lets the application say its last words, and says 1001 when it does not close', async () => {
    const { client, spliced } = tunnel();
    spliced.goAway(50);
    spliced.fromApplication(text);
    expect(sent(client).equals(text)).toBe(true);
    await until('the client is told', () => sent(client).length > text.length || undefined);
    const close = sent(client).subarray(text.length);
    expect([close[0], close.readUInt16BE(2)]).toEqual([0x88, 1001]);
  });

  it('leaves the close of the application as it is', async () => {
    const { client, spliced } = tunnel();
    const { client: other, spliced: silent } = tunnel();
    spliced.goAway(20);
    spliced.fromApplication(ownClose);
    silent.goAway(40);
    // Told later than the first would have been.
    await until('the other client is told', () => sent(other).length > 0 || undefined);
    expect(sent(client).equals(ownClose)).toBe(true);
    expect(client.isEnded).toBe(false);
    spliced.fromClient(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa0]));
    expect(client.isEnded).toBe(true);
  });
});
