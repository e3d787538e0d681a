import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { FetchFunction } from './application-shape.js';

/**
 * Makes a `(req, res)` listener of a fetch function. Uses `@hono/node-server` when the bundle carries it, since that
 * is what its author tested with; otherwise the adapter below. `fetch` also gets `{ incoming, outgoing }`, as there.
 */
export async function fetchListener(fetch: FetchFunction, main: string): Promise<RequestListener> {
  return (await bundledListener(fetch, main)) ?? ((req, res) => void answer(fetch, req, res));
}

async function bundledListener(fetch: FetchFunction, main: string): Promise<RequestListener | undefined> {
  let path: string;
  try {
    path = createRequire(main).resolve('@hono/node-server');
  } catch {
    return undefined;
  }
  const adapter = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const getRequestListener =
    adapter['getRequestListener'] ??
    (adapter['default'] as Record<string, unknown> | undefined)?.['getRequestListener'];
  // Without its replacements for the global Request and Response: other code of the application may use them.
  return typeof getRequestListener === 'function'
    ? (getRequestListener(fetch, { overrideGlobalObjects: false }) as RequestListener)
    : undefined;
}

async function answer(fetch: FetchFunction, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const abort = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) abort.abort();
  });
  try {
    const response = await fetch(requestOf(req, abort.signal), { incoming: req, outgoing: res });
    await send(response, req.method === 'HEAD', res);
  } catch (thrown) {
    if (abort.signal.aborted) return;
    console.error('The fetch function failed for %s %s:', req.method, req.url, thrown);
    if (res.headersSent) {
      res.destroy();
      return;
    }
    res.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
    res.end('Internal Server Error');
  }
}

function requestOf(req: IncomingMessage, signal: AbortSignal): Request {
  const scheme = (req.socket as unknown as { encrypted?: boolean }).encrypted === true ? 'https' : 'http';
  const url = new URL(req.url ?? '/', `${scheme}://${req.headers.host || 'localhost'}`);
  const headers = new Headers();
  const raw = req.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] as string, raw[i + 1] as string);
  const method = req.method ?? 'GET';
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal });
  return new Request(url, {
    method,
    headers,
    signal,
    body: Readable.toWeb(req) as ReadableStream<Uint8Array>,
    duplex: 'half',
  } as RequestInit);
}

async function send(response: Response, isHead: boolean, res: ServerResponse): Promise<void> {
  const headers: string[] = [];
  for (const [name, value] of response.headers) headers.push(name, value);
  res.writeHead(response.status, headers);
  if (response.body === null || isHead) {
    await response.body?.cancel();
    res.end();
    return;
  }
  const reader = response.body.getReader();
  res.once('close', () => {
    if (!res.writableFinished) reader.cancel().catch(() => undefined);
  });
  for (;;) {
    const { done, value } = await reader.read();
    if (done || res.destroyed) break;
    if (!res.write(value)) await drained(res);
  }
  res.end();
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      res.off('drain', settle);
      res.off('close', settle);
      resolve();
    };
    res.on('drain', settle);
    res.on('close', settle);
  });
}
