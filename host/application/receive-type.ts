import type { Readable } from 'node:stream';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Parameters } from './parameters.js';
import { checkSchema } from './schema-issues.js';

/**
 * Names what a handler wants the body to become, and carries its type. Plugins MAY define more: what is none of those
 * below is for content negotiation.
 */
export class ReceiveType<T> {
  readonly name: string;
  /** What the received value must fulfil; see `of`. */
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  /** Exists for the compiler only. */
  declare readonly valueType: T;

  constructor(name: string, schema?: StandardSchemaV1<unknown, T>) {
    this.name = name;
    this.schema = schema;
  }

  static readonly TEXT = new ReceiveType<string>('text');
  static readonly BYTES = new ReceiveType<Buffer>('bytes');
  static readonly JSON = new ReceiveType<unknown>('json');
  static readonly FORM = new ReceiveType<Parameters>('form');
  static readonly STREAM = new ReceiveType<Readable>('stream');

  /** The type of what a Standard Schema lets through; always the same one for a schema. Else `PORTICO_NOT_A_SCHEMA`. */
  static of<Schema extends StandardSchemaV1>(
    schema: Schema,
  ): ReceiveType<StandardSchemaV1.InferOutput<Schema>> {
    let type = OF_SCHEMA.get(schema);
    if (type === undefined) {
      checkSchema(schema, 'receive()');
      type = new ReceiveType(`a value for the schema of ${schema['~standard'].vendor}`, schema);
      OF_SCHEMA.set(schema, type);
    }
    return type as ReceiveType<StandardSchemaV1.InferOutput<Schema>>;
  }
}

const OF_SCHEMA = new WeakMap<object, ReceiveType<unknown>>();
