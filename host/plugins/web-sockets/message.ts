/** One message of a client, its frames put together. */
export class WebSocketMessage {
  readonly kind: 'text' | 'binary';
  /** As it came. Of a text message its UTF-8, which has been checked. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer, isBinary: boolean) {
    this.kind = isBinary ? 'binary' : 'text';
    this.bytes = bytes;
  }

  /** The message as a text; bytes of a binary message are read as UTF-8. */
  get text(): string {
    return this.bytes.toString('utf8');
  }

  /** The text read as JSON; rejects nothing but throws SyntaxError for what is none. Check what you get. */
  json(): unknown {
    return JSON.parse(this.text);
  }
}
