import { createHmac, timingSafeEqual } from 'node:crypto';

/** A process that calls, as the server knows it. */
export interface Caller {
  /** Application without version. */
  readonly application: string;
  /** `shop##2@4f1c/1#3`. */
  readonly instance: string;
  /** Applications that it may call. */
  readonly calls: readonly string[];
}

/**
 * The proof of a caller: what it says, signed. Made by the server for one process, read by every front; nobody else has the
 * key. Good as long as the server lives, since a process that has left the mapping still finishes what it does.
 */
export function sealCaller(key: Buffer, { application, instance, calls }: Caller): string {
  const text = Buffer.from(JSON.stringify([application, instance, calls])).toString('base64url');
  return `${text}.${signatureOf(key, text).toString('base64url')}`;
}

/** The caller that a token proves; undefined for any other text. */
export function openCaller(key: Buffer, token: string): Caller | undefined {
  const dot = token.indexOf('.');
  if (dot < 0) return undefined;
  const text = token.slice(0, dot);
  const given = Buffer.from(token.slice(dot + 1), 'base64url');
  const right = signatureOf(key, text);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const [application, instance, calls] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [
    string,
    string,
    string[],
  ];
  return { application, instance, calls };
}

function signatureOf(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
