import type { RequestListener } from '#host/exchange/exchange.js';
import type { ResponseListener } from '#host/exchange/exchange-client.js';
import type { FieldBlock } from '#host/http/field-block.js';
import { until } from '#test/support/polling.js';

/** Writes down what a listener of either end is told. */
export class Recorder implements RequestListener, ResponseListener {
  readonly events: string[] = [];
  readonly chunks: Buffer[] = [];
  readonly interims: { status: number; fields: string[] }[] = [];
  status = 0;
  fields: string[] = [];
  trailers: string[] | undefined;
  reason = 0;
  bytes = 0;
  drains = 0;
  /** Called for each chunk, for example to return the credit. */
  onData: ((chunk: Buffer) => void) | undefined;
  onDrain: (() => void) | undefined;

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get isOver(): boolean {
    return this.events.includes('end') || this.events.includes('aborted');
  }

  interim(status: number, fields: FieldBlock): void {
    this.events.push('interim');
    this.interims.push({ status, fields: fields.flat() });
  }

  response(status: number, fields: FieldBlock, body: Buffer | undefined, isComplete: boolean): void {
    this.events.push('response');
    this.status = status;
    this.fields = fields.flat();
    if (body !== undefined) this.chunks.push(body);
    if (isComplete) this.events.push('end');
  }

  data(chunk: Buffer): void {
    if (this.events.at(-1) !== 'data') this.events.push('data');
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.onData?.(chunk);
  }

  end(trailers: FieldBlock | undefined): void {
    this.events.push('end');
    this.trailers = trailers?.flat();
  }

  drain(): void {
    this.drains++;
    this.onDrain?.();
  }

  aborted(reason: number): void {
    this.events.push('aborted');
    this.reason = reason;
  }

  async over(): Promise<void> {
    await until('the end of the exchange', () => this.isOver);
  }

  async until(event: string): Promise<void> {
    await until(event, () => this.events.includes(event));
  }
}
