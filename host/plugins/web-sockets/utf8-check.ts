/**
 * Checks UTF-8 as it comes, in pieces cut anywhere: tells at the first byte that cannot be right (RFC 3629 §4). One
 * object for each text; `reset` begins the next.
 */
export class Utf8Check {
  /** Bytes that the character begun still needs. */
  #left = 0;
  /** What the next one of them may be; the second byte of some characters has narrower bounds. */
  #least = 0x80;
  #most = 0xbf;

  reset(): void {
    this.#left = 0;
    this.#least = 0x80;
    this.#most = 0xbf;
  }

  /** False when these bytes cannot go on what came before. Whether the text may end here is not asked. */
  accept(bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (this.#left > 0) {
        if (byte < this.#least || byte > this.#most) return false;
        this.#left--;
        this.#least = 0x80;
        this.#most = 0xbf;
      } else if (byte > 0x7f && !this.#begin(byte)) return false;
    }
    return true;
  }

  #begin(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    // No character in more bytes than it needs, no surrogate, nothing above U+10FFFF.
    if (byte === 0xe0) this.#least = 0xa0;
    else if (byte === 0xed) this.#most = 0x9f;
    else if (byte === 0xf0) this.#least = 0x90;
    else if (byte === 0xf4) this.#most = 0x8f;
    return true;
  }
}
