import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf, PorticoError } from '../../errors.js';
import { isPromiseLike } from '../../pipeline/pipeline-context.js';

/** Turns a session into text and back. */
export interface SessionSerializer<T> {
  /** Throws when the value cannot be written. */
  serialize(value: T): string;
  /** Undefined, or throws, when the text is no such session. */
  deserialize(text: string): T | undefined | Promise<T | undefined>;
}

/** JSON; with a schema only values that match it are sessions. */
export function jsonSerializer<T>(schema?: StandardSchemaV1<unknown, T>): SessionSerializer<T> {
  return {
    serialize(value) {
      const text = write(value);
      if (text === undefined)
        throw new PorticoError(
          'PORTICO_SESSION_VALUE',
          `JSON cannot write a session that is ${typeof value}. Set an object, or clear the session.`,
        );
      return text;
    },
    deserialize(text) {
      const value: unknown = JSON.parse(text);
      if (schema === undefined) return value as T;
      const result = schema['~standard'].validate(value);
      return isPromiseLike(result) ? result.then(resultOf) : resultOf(result);
    },
  };
}

function write(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_SESSION_VALUE',
      `JSON cannot write a session: ${messageOf(cause)}. Use plain data, or a serializer of your own.`,
      { cause },
    );
  }
}

function resultOf<T>(result: StandardSchemaV1.Result<T>): T | undefined {
  return result.issues === undefined ? result.value : undefined;
}
