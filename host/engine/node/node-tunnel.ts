import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { BODY_WINDOW_BYTES } from '../../connector/http1-exchange.js';
import type { RequestListener } from '../../exchange/exchange.js';
import { currentHttpDate } from '../../http/http-date.js';

/**
 * A connection behind 101: bytes of another protocol, both ways. Made by the exchange that was upgraded; owns the socket
 * until it has closed.
 */
export class NodeTunnel {
  readonly #socket: Socket;
  readonly #head: string;
  #credit = BODY_WINDOW_BYTES;

  /** Throws when a field is illegal; then nothing has happened to the response. */
  constructor(socket: Socket, response: ServerResponse, protocol: string, fields: readonly string[]) {
    this.#head = switchingHead(protocol, fields);
    this.#socket = socket;
    response.detachSocket(socket);
  }

  /** `closed(true)` when both sides have ended in order. */
  open(
    firstBytes: Buffer,
    listener: () => RequestListener | undefined,
    closed: (isComplete: boolean) => void,
  ): void {
    const socket = this.#socket;
    let hasEnded = false;
    // Both sides may be silent for long; a peer that has vanished is found by TCP.
    socket.setTimeout(0);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    socket.allowHalfOpen = true;
    socket.write(this.#head, 'latin1');
    socket.on('drain', () => listener()?.drain());
    socket.on('end', () => {
      hasEnded = true;
      listener()?.end(undefined);
    });
    socket.on('close', () => closed(hasEnded));
    socket.on('error', () => socket.destroy());
    const take = (chunk: Buffer): void => {
      this.#credit -= chunk.length;
      if (this.#credit <= 0) socket.pause();
      listener()?.data(chunk);
    };
    // Not within `begin`: the handler has not yet seen it return.
    process.nextTick(() => {
      if (firstBytes.length > 0) take(firstBytes);
      socket.on('data', take);
      if (this.#credit <= 0) socket.pause();
    });
  }

  consumed(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, BODY_WINDOW_BYTES);
    if (this.#credit > 0 && this.#socket.isPaused()) this.#socket.resume();
  }

  write(chunk: Uint8Array): boolean {
    return this.#socket.write(chunk);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

const KEEP_ALIVE_MS = 60_000;

/** RFC 9110 §15.2.2: the answer names the protocol that is switched to. */
function switchingHead(protocol: string, fields: readonly string[]): string {
  let head = 'HTTP/1.1 101 Switching Protocols\r\n';
  let hasUpgrade = false;
  let hasDate = false;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    validateHeaderName(name);
    validateHeaderValue(name, value);
    hasUpgrade ||= name.toLowerCase() === 'upgrade';
    hasDate ||= name.toLowerCase() === 'date';
    head += `${name}: ${value}\r\n`;
  }
  if (!hasUpgrade) head += `Upgrade: ${protocol}\r\n`;
  if (!hasDate) head += `Date: ${currentHttpDate()}\r\n`;
  return `${head}Connection: Upgrade\r\n\r\n`;
}
