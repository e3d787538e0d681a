import type { Readable } from 'node:stream';
import type { Parameters } from './parameters.js';

/** Names what a handler wants the body to become, and carries its type. Plugins MAY define more. */
export class ReceiveType<T> {
  readonly name: string;
  /** Exists for the compiler only. */
  declare readonly valueType: T;

  constructor(name: string) {
    this.name = name;
  }

  static readonly TEXT = new ReceiveType<string>('text');
  static readonly BYTES = new ReceiveType<Buffer>('bytes');
  static readonly JSON = new ReceiveType<unknown>('json');
  static readonly FORM = new ReceiveType<Parameters>('form');
  static readonly STREAM = new ReceiveType<Readable>('stream');
}
