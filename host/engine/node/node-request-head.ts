import type { IncomingMessage } from 'node:http';
import type { ConnectorLimits } from '../../config/connector-limits.js';
import type { RequestSettings } from '../../config/request-settings.js';
import type { RefusalReason } from '../../connector/refusal.js';
import type { ConnectionInfo, RequestHead } from '../../exchange/exchange.js';
import { authorityText, isAuthority, isSameAuthority } from '../../http/authority.js';
import { canonicalPath } from '../../http/canonical-path.js';
import { FieldBlock } from '../../http/field-block.js';

/** What the server of Node tells about a request besides its message. */
export interface NodeRequestFacts {
  readonly limits: ConnectorLimits;
  /** Strict rules that the application takes over. */
  readonly request: RequestSettings;
  readonly connection: ConnectionInfo;
  /** It came with the event `upgrade`. */
  readonly isUpgrade: boolean;
  /** It came with the event `checkContinue`. */
  readonly expectsContinue: boolean;
}

/** Head of a request that `node:http` has parsed, by the rules of our own connector. */
export class NodeRequestHead implements RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly version: string;
  readonly authority: string;
  readonly bodyLength: number;
  readonly upgrade: string | undefined;
  readonly expectsContinue: boolean;
  readonly connection: ConnectionInfo;
  readonly flat: readonly string[];
  #fields: FieldBlock | undefined;

  constructor(message: IncomingMessage, facts: NodeRequestFacts, target: Target, parts: FieldParts) {
    const { isUpgrade } = facts;
    this.method = message.method ?? '';
    this.path = target.path;
    this.query = target.query;
    this.authority = target.authority;
    this.version = message.httpVersionMinor === 0 ? '1.0' : '1.1';
    this.bodyLength = isUpgrade ? -1 : parts.bodyLength;
    this.upgrade = isUpgrade ? parts.upgrade : undefined;
    this.expectsContinue = facts.expectsContinue && parts.bodyLength !== 0;
    this.connection = facts.connection;
    this.flat = isUpgrade ? [...parts.kept, 'Upgrade', parts.upgrade ?? ''] : parts.kept;
  }

  /** Made when somebody asks. */
  get fields(): FieldBlock {
    this.#fields ??= FieldBlock.of(this.flat);
    return this.#fields;
  }
}

/** Reads the head, or tells why the request must be refused: what `node:http` lets pass and our connector does not. */
export function readNodeHead(
  message: IncomingMessage,
  facts: NodeRequestFacts,
): NodeRequestHead | RefusalReason {
  const { limits, request } = facts;
  const { method, rawHeaders } = message;
  if (message.httpVersionMajor !== 1) return 'bad-version';
  if (method === 'TRACE' && request.trace === 'refuse') return 'method-not-allowed';
  if (method === 'CONNECT') return 'method-not-implemented';
  if ((message.url ?? '').length > limits.maxTargetBytes) return 'target-too-long';
  if (rawHeaders.length / 2 > limits.maxHeaderCount) return 'too-many-headers';
  const parts = readFields(message);
  if (typeof parts === 'string') return parts;
  // RFC 9112 §3.2; Node asks for it, but not when the request asks for an upgrade.
  if (parts.host === undefined && message.httpVersionMinor > 0) return 'bad-host';
  const target = readTarget(message, parts.host, request.malformedEscapes);
  if (typeof target === 'string') return target;
  return new NodeRequestHead(message, facts, target, parts);
}

interface Target {
  readonly path: string;
  readonly query: string | undefined;
  readonly authority: string;
}

interface FieldParts {
  /** End-to-end fields, `name, value, …`. */
  readonly kept: readonly string[];
  readonly host: string | undefined;
  readonly upgrade: string | undefined;
  readonly bodyLength: number;
}

function readFields(message: IncomingMessage): FieldParts | RefusalReason {
  const { rawHeaders } = message;
  const kept: string[] = [];
  let host: string | undefined;
  let upgrade: string | undefined;
  let listed: readonly string[] | undefined;
  let bodyLength = 0;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    switch (CONNECTION_LENGTHS.has(name.length) ? name.toLowerCase() : '') {
      case 'host':
        // RFC 9112 §3.2: exactly one Host.
        if (host !== undefined) return 'bad-host';
        host = value;
        break;
      case 'content-length':
        bodyLength = Number(value);
        break;
      case 'transfer-encoding':
        // RFC 9112 §6.1: chunked and nothing else, in HTTP/1.1.
        if (message.httpVersionMinor === 0) return 'bad-framing';
        if (value.toLowerCase() !== 'chunked') return 'unknown-transfer-coding';
        bodyLength = -1;
        continue;
      case 'connection':
        listed = listedFields(value, listed);
        continue;
      case 'upgrade':
        upgrade = value;
        continue;
      case 'te':
        // RFC 9110 §10.1.4: what an application may learn is whether the client takes trailers.
        if (value.toLowerCase() !== 'trailers') continue;
        break;
      case 'keep-alive':
      case 'proxy-connection':
        continue;
      default:
        break;
    }
    kept.push(name, value);
  }
  const isListed = (name: string): boolean => listed?.includes(name.toLowerCase()) === true;
  const endToEnd =
    listed === undefined ? kept : kept.filter((_, i) => !isListed(kept[i - (i % 2)] as string));
  return { kept: endToEnd, host, upgrade, bodyLength };
}

/** Lengths of the names that `readFields` looks at; all other names cost no lower-case copy. */
const CONNECTION_LENGTHS: ReadonlySet<number> = new Set([2, 4, 7, 10, 14, 16, 17]);

/** RFC 9110 §7.6.1: fields named by Connection belong to this connection. */
function listedFields(value: string, before: readonly string[] | undefined): readonly string[] | undefined {
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive' && name !== 'upgrade');
  return names.length === 0 ? before : [...(before ?? []), ...names];
}

/** RFC 9112 §3.2: origin form, absolute form, and `*` of OPTIONS. */
function readTarget(
  { url = '/', method }: IncomingMessage,
  host: string | undefined,
  malformedEscapes: RequestSettings['malformedEscapes'],
): Target | RefusalReason {
  const authority = host === undefined ? '' : authorityOf(host);
  if (authority === undefined) return 'bad-host';
  const malformed = malformedEscapes === 'pass' ? 'keep' : 'refuse';
  const question = url.indexOf('?');
  const rawPath = question < 0 ? url : url.slice(0, question);
  const query = question < 0 ? undefined : url.slice(question + 1);
  if (url.includes('#')) return 'bad-target';
  if (rawPath === '*' && method === 'OPTIONS') return { path: '*', query: undefined, authority };
  if (rawPath.startsWith('/')) {
    const path = rawPath === '/' ? '/' : canonicalPath(rawPath, malformed);
    return path === undefined ? 'bad-target' : { path, query, authority };
  }
  const match = /^(https?):\/\/([^/]*)/i.exec(rawPath);
  if (match === null) return 'bad-target';
  const named = authorityOf(match[2] as string);
  if (named === undefined) return 'bad-target';
  const scheme = match[1]?.toLowerCase() === 'https' ? 'https' : 'http';
  if (host !== undefined && !isSameAuthority(authority, named, scheme)) return 'bad-host';
  const rest = rawPath.slice(match[0].length);
  if (rest === '')
    return { path: method === 'OPTIONS' && query === undefined ? '*' : '/', query, authority: named };
  const path = canonicalPath(rest, malformed);
  return path === undefined ? 'bad-target' : { path, query, authority: named };
}

/** Host and port in lower case; undefined when it is no host. */
function authorityOf(text: string): string | undefined {
  if (text === lastHost) return lastAuthority;
  const bytes = Buffer.from(text, 'latin1');
  lastAuthority = isAuthority(bytes, 0, bytes.length) ? authorityText(bytes, 0, bytes.length) : undefined;
  lastHost = text;
  return lastAuthority;
}

/** Nearly all requests of a server name the same host. */
let lastHost: string | undefined;
let lastAuthority: string | undefined;
