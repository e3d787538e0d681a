import type { FieldBlock } from '../http/field-block.js';
import { ChunkEvent, ChunkedDecoder } from './chunked-decoder.js';
import { Parsed } from './field-section-parser.js';
import type { InputBuffer } from './input-buffer.js';
import type { TrailerParser } from './trailer-parser.js';

/** What a request body came to. */
export const BodyEvent = {
  /** `data` holds body bytes. */
  DATA: 0,
  /** The body is complete; `trailers` may hold some. */
  END: 1,
  /** More bytes are needed, or more credit. */
  STOPPED: 2,
  /** Chunked framing or trailers are malformed. */
  BROKEN: 3,
  TRAILERS_TOO_LARGE: 4,
} as const;
export type BodyEvent = (typeof BodyEvent)[keyof typeof BodyEvent];

/** Takes the body of one request out of the input: by length, or chunk by chunk with trailers. */
export class Http1Body {
  data: Buffer = NOTHING;
  trailers: FieldBlock | undefined;
  /** Bytes still to come with a known length; -1 for chunked. */
  remaining: number;
  /** The rest of the input is the beginning of a trailer section. */
  inTrailers = false;

  private readonly decoder: ChunkedDecoder | undefined;

  /** `length` as `RequestHead.bodyLength`; not 0. */
  constructor(length: number) {
    this.remaining = length;
    this.decoder = length < 0 ? new ChunkedDecoder() : undefined;
  }

  /** Takes at most `credit` body bytes. The input is not empty. */
  next(input: InputBuffer, credit: number, trailerParser: TrailerParser): BodyEvent {
    if (this.decoder !== undefined) {
      return this.inTrailers
        ? this.nextTrailers(input, trailerParser)
        : this.nextChunked(this.decoder, input, credit);
    }
    if (this.remaining === 0) return BodyEvent.END;
    const wanted = Math.min(input.length, this.remaining, credit);
    if (wanted === 0) return BodyEvent.STOPPED;
    this.remaining -= wanted;
    this.data = input.take(wanted);
    return BodyEvent.DATA;
  }

  /** True when a body of known length has been taken wholly. */
  get isComplete(): boolean {
    return this.remaining === 0;
  }

  private nextChunked(decoder: ChunkedDecoder, input: InputBuffer, credit: number): BodyEvent {
    switch (decoder.next(input.bytes, input.start, input.end, credit)) {
      case ChunkEvent.DATA:
        input.start = decoder.dataStart;
        this.data = input.take(decoder.dataEnd - decoder.dataStart);
        return BodyEvent.DATA;
      case ChunkEvent.LAST:
        input.start = decoder.position;
        input.forgetTried();
        this.inTrailers = true;
        return BodyEvent.STOPPED;
      case ChunkEvent.BROKEN:
        return BodyEvent.BROKEN;
      default:
        input.start = decoder.position;
        return BodyEvent.STOPPED;
    }
  }

  private nextTrailers(input: InputBuffer, parser: TrailerParser): BodyEvent {
    if (!input.isWorthTrying) return BodyEvent.STOPPED;
    const parsed = parser.parse(input.bytes, input.start, input.end);
    if (parsed === Parsed.INCOMPLETE) {
      input.noteTried();
      return BodyEvent.STOPPED;
    }
    if (parsed === Parsed.REFUSED) {
      return parser.refusal === 'bad-header' ? BodyEvent.BROKEN : BodyEvent.TRAILERS_TOO_LARGE;
    }
    input.start = parser.end;
    input.forgetTried();
    this.trailers = parser.fields(input.bytes);
    return BodyEvent.END;
  }
}

const NOTHING = Buffer.alloc(0);
