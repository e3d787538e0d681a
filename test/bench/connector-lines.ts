import type { LoadKind } from './load.js';

/** One thing that every peer does; the answer to a POST is the number of bytes that came. */
export interface ConnectorLine {
  readonly name: string;
  readonly over: 'http' | 'https' | 'http2';
  readonly path: string;
  readonly kind: LoadKind;
  readonly connections: number;
}

export const CONNECTOR_LINES: readonly ConnectorLine[] = [
  { name: 'text', over: 'http', path: '', kind: 'get', connections: 64 },
  { name: 'text, 1,000 connections', over: 'http', path: '', kind: 'get', connections: 1000 },
  { name: 'text, a connection each', over: 'http', path: '', kind: 'connect', connections: 64 },
  { name: 'answer of 100 KiB', over: 'http', path: 'large', kind: 'get', connections: 32 },
  { name: 'POST of 1 KiB', over: 'http', path: '', kind: 'post-small', connections: 64 },
  { name: 'POST of 1 MiB', over: 'http', path: '', kind: 'post', connections: 8 },
  { name: 'TLS text', over: 'https', path: '', kind: 'get', connections: 64 },
  { name: 'TLS handshakes', over: 'https', path: '', kind: 'connect', connections: 16 },
  { name: 'HTTP/2 text, 8 × 16 streams', over: 'http2', path: '', kind: 'get', connections: 8 },
];
