import type { ChildProcess } from 'node:child_process';
import { messageOf } from '../errors.js';

/** Flags of Node by which a process can be asked for its stack; they cost it nothing before it is asked. */
export const STACK_FLAGS: readonly string[] = ['--inspect-port=127.0.0.1:0', '--inspect-publish-uid=stderr'];

/** What the blocked loop of a process was doing, or why that is not known. */
export interface BlockedStack {
  /** One function a line, innermost first: `at price (/srv/shop/cart.js:7:3)`. Empty: not known. */
  readonly frames: readonly string[];
  /** Set when there are no frames. */
  readonly problem: string | undefined;
}

/**
 * Asks a process whose event loop is blocked what it is doing: SIGUSR1 opens Node's inspector on a free port of this
 * machine, which interrupts running JavaScript, regular expressions included. A process that waits in native code, is
 * suspended, has a listener of its own for the signal, or runs with Node's permission model does not answer; then the
 * result says so after `deadlineMs`. Never rejects.
 *
 * The process stands still afterwards and is to be killed. The port is known to the reader of its standard error only.
 */
export async function captureBlockedStack(child: ChildProcess, deadlineMs: number): Promise<BlockedStack> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), deadlineMs);
  const exited = (): void => deadline.abort();
  child.once('exit', exited);
  try {
    const url = await inspectorOf(child, deadline.signal);
    const frames = await pause(url, deadline.signal);
    return { frames, problem: undefined };
  } catch (error) {
    const problem = deadline.signal.aborted
      ? `its inspector did not answer within ${deadlineMs / 1000} s: it waits in native code, or is suspended`
      : messageOf(error);
    return { frames: [], problem };
  } finally {
    clearTimeout(timer);
    child.off('exit', exited);
  }
}

/** Standard error is the application's: anything may stand there, so only this form on this machine is taken. */
const ADVERTISED = /Debugger listening on (ws:\/\/127\.0\.0\.1:\d{1,5}\/[0-9a-f-]{36})\s/;
/** Names and paths of an application are as long as it likes. */
const MAX_FRAMES = 50;
const MAX_TEXT = 300;
const MAX_SCRIPTS = 20_000;
const MAX_MESSAGE_BYTES = 16 * 1024 ** 2;

function inspectorOf(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const { stderr } = child;
  return new Promise((resolve, reject) => {
    let seen = '';
    const read = (chunk: unknown): void => {
      seen = (seen + String(chunk)).slice(-4096);
      const url = ADVERTISED.exec(seen)?.[1];
      if (url === undefined) return;
      stderr?.off('data', read);
      resolve(url);
    };
    const give = (): void => {
      stderr?.off('data', read);
      reject(new Error('there is no inspector'));
    };
    if (stderr === null || signal.aborted || !child.kill('SIGUSR1')) {
      give();
      return;
    }
    stderr.on('data', read);
    signal.addEventListener('abort', give, { once: true });
  });
}

async function pause(url: string, signal: AbortSignal): Promise<string[]> {
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(url, { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  const stop = (): void => socket.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      /** Address of each script by its number. */
      const scripts = new Map<unknown, string>();
      socket.on('open', () => {
        socket.send(JSON.stringify({ id: 1, method: 'Debugger.enable' }));
        socket.send(JSON.stringify({ id: 2, method: 'Debugger.pause' }));
      });
      socket.on('message', (data) => {
        try {
          const { method, params = {} } = JSON.parse(String(data)) as InspectorMessage;
          if (method === 'Debugger.paused') resolve(framesOf(params.callFrames, scripts));
          else if (method === 'Debugger.scriptParsed' && scripts.size < MAX_SCRIPTS)
            scripts.set(params.scriptId, String(params.url ?? '').slice(-MAX_TEXT));
        } catch (error) {
          // Whoever answers there need not be Node.
          reject(error);
        }
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('its inspector closed the connection')));
      if (signal.aborted) stop();
    });
  } finally {
    signal.removeEventListener('abort', stop);
    socket.terminate();
  }
}

/** The process that says this runs code of the application: nothing in it is certain. */
function framesOf(frames: unknown, scripts: ReadonlyMap<unknown, string>): string[] {
  if (!Array.isArray(frames)) return [];
  return (frames as readonly CallFrame[]).slice(0, MAX_FRAMES).map(({ functionName, location }) => {
    const name = String(functionName ?? '').slice(0, MAX_TEXT) || '(anonymous)';
    const file = (scripts.get(location?.scriptId) ?? '').replace(/^file:\/\//, '');
    const line = Number(location?.lineNumber ?? 0) + 1;
    const column = Number(location?.columnNumber ?? 0) + 1;
    return `at ${name} (${file}:${line}:${column})`;
  });
}

interface InspectorMessage {
  readonly method?: unknown;
  readonly params?: { readonly scriptId?: unknown; readonly url?: unknown; readonly callFrames?: unknown };
}

interface CallFrame {
  readonly functionName?: unknown;
  readonly location?: {
    readonly scriptId?: unknown;
    readonly lineNumber?: unknown;
    readonly columnNumber?: unknown;
  };
}
