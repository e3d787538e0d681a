import type { FieldBlock } from '../http/field-block.js';
import { lowerCaseName } from '../http/lower-case.js';

/** The header fields of a request by name, without regard to case. Makes a string only for what is asked for. */
export class RequestHeaders {
  readonly #fields: FieldBlock;

  constructor(fields: FieldBlock) {
    this.#fields = fields;
  }

  /** First value. */
  get(name: string): string | undefined {
    return this.#fields.get(lowerCaseName(name));
  }

  /** Values of all lines of this name, in the order received. */
  getAll(name: string): readonly string[] {
    return this.#fields.all(lowerCaseName(name));
  }

  has(name: string): boolean {
    return this.#fields.has(lowerCaseName(name));
  }

  /** Names as they were sent, each once for a line. */
  get names(): readonly string[] {
    return this.#fields.flat().filter((_, index) => index % 2 === 0);
  }

  /** `[name, value, name, value, …]`. */
  toFlat(): readonly string[] {
    return this.#fields.flat();
  }
}
