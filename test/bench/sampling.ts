import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** Where a Node process listens for its inspector after SIGUSR1. */
const INSPECTOR = 'http://127.0.0.1:9229/json/list';

/**
 * Samples a running Node process for some seconds and writes a `.cpuprofile`. The process needs no flag: SIGUSR1 opens
 * its inspector, which is closed again behind the samples.
 */
export async function sample(pid: number, seconds: number, file: string): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await inspectorOf(pid), { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const send = (id: number, method: string, params: object = {}): Promise<{ readonly profile: unknown }> =>
    new Promise((resolve) => {
      socket.on('message', (text) => {
        const message = JSON.parse(String(text)) as { id: number; result: { profile: unknown } };
        if (message.id === id) resolve(message.result);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  await send(1, 'Profiler.enable');
  await send(2, 'Profiler.setSamplingInterval', { interval: 200 });
  await send(3, 'Profiler.start');
  await delay(seconds * 1000);
  const { profile } = await send(4, 'Profiler.stop');
  writeFileSync(file, JSON.stringify(profile));
  const close = "setTimeout(() => process.getBuiltinModule('inspector').close(), 10); 0";
  await send(5, 'Runtime.evaluate', { expression: close });
  socket.terminate();
}

async function inspectorOf(pid: number): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      const targets = (await (await fetch(INSPECTOR)).json()) as {
        title: string;
        webSocketDebuggerUrl: string;
      }[];
      const found = targets.find(({ title }) => title.includes(`[${pid}]`)) ?? targets[0];
      if (found !== undefined) return found.webSocketDebuggerUrl;
    } catch {
      // Not open yet.
    }
    await delay(50);
  }
  throw new Error(`process ${pid} opens no inspector on port 9229`);
}
