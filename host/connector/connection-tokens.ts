import { TOKEN } from '../http/byte-classes.js';

/** What the Connection fields of one message say (RFC 9110 §7.6.1). Reused from request to request. */
export class ConnectionTokens {
  close = false;
  keepAlive = false;
  upgrade = false;
  /** Names of fields that the sender declared to be for this connection only, in lower case. */
  listed: string[] | undefined;

  reset(): void {
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.listed = undefined;
  }

  /** Adds one field value. False when it is not a list of tokens. Empty elements are allowed (RFC 9110 §5.6.1). */
  add(bytes: Buffer, start: number, end: number): boolean {
    let i = start;
    while (i < end) {
      const byte = bytes[i] as number;
      if (byte === 0x2c || byte === 0x20 || byte === 0x09) {
        i++;
        continue;
      }
      const from = i;
      while (i < end && TOKEN[bytes[i] as number] === 1) i++;
      if (i === from) return false;
      this.addToken(bytes.toString('latin1', from, i).toLowerCase());
      while (i < end && (bytes[i] === 0x20 || bytes[i] === 0x09)) i++;
      if (i < end && bytes[i] !== 0x2c) return false;
    }
    return true;
  }

  private addToken(token: string): void {
    if (token === 'close') this.close = true;
    else if (token === 'keep-alive') this.keepAlive = true;
    else if (token === 'upgrade') this.upgrade = true;
    else if (!isEndToEnd(token)) {
      this.listed ??= [];
      this.listed.push(token);
    }
  }
}

/** Does the Connection field of a response ask to close (RFC 9112 §9.6)? Whatever else is in it. */
export function asksToClose(value: string): boolean {
  return /(?:^|,)\s*close\s*(?:,|$)/i.test(value);
}

/**
 * Fields that a Connection option cannot remove. A client that lists them wants the next reader to see another
 * request than the one before; the option is ignored and the field stays. Removal works for anything else.
 */
function isEndToEnd(name: string): boolean {
  return END_TO_END.has(name) || /^(?:content|access-control|sec|if|x-forwarded)-/.test(name);
}

const END_TO_END = new Set([
  'accept',
  'authorization',
  'cache-control',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'origin',
  'pragma',
  'proxy-authorization',
  'range',
  'referer',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'user-agent',
  'vary',
  'via',
  'x-real-ip',
  'x-request-id',
]);
