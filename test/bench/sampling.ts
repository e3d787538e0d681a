import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

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
    const ports = listeningPorts(pid);
    for (const port of ports) {
      const url = (await askFor(port)) ?? loggedUrls(pid).find((one) => one.includes(`:${port}/`));
      if (url !== undefined) return url;
    }
    await delay(50);
  }
  throw new Error(`process ${pid} opens no inspector`);
}

async function askFor(port: number): Promise<string | undefined> {
  try {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl?: string;
    }[];
    return targets[0]?.webSocketDebuggerUrl;
  } catch {
    // Another server, or not open yet.
    return undefined;
  }
}

/** Instances tell their inspector to their standard error alone, which the host writes to its logs. */
function loggedUrls(pid: number): readonly string[] {
  const parent = / \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
  const arguments_ = readFileSync(`/proc/${parent}/cmdline`, 'latin1').split('\0');
  const base = arguments_[arguments_.indexOf('--base') + 1];
  if (base === undefined || !arguments_.includes('--base')) return [];
  const logs = readdirSync(join(base, 'logs'), { recursive: true, withFileTypes: true });
  return logs
    .filter((file) => file.isFile())
    .flatMap(
      (file) => readFileSync(join(file.path, file.name), 'latin1').match(/ws:\/\/[\d.]+:\d+\/[\w-]+/g) ?? [],
    );
}

/** Ports of 127.0.0.1 that a process listens on (Linux). Applications are started with an inspector on any port. */
function listeningPorts(pid: number): readonly number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed in the meantime.
        return [];
      }
    }),
  );
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTENS && inodes.has(fields[9] ?? ''))
    .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
}

/** A state in `/proc/net/tcp`. */
const LISTENS = '0A';
