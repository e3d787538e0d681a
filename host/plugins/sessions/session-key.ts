import type { StandardSchemaV1 } from '@standard-schema/spec';
import { checkSchema } from '../../application/schema-issues.js';
import { PorticoError } from '../../errors.js';
import { isToken } from '../../http/byte-classes.js';

/** Names a session and carries the type of its value. Made by `sessionKey`. */
export interface SessionKey<T> {
  /** Unique in an application; also the name of the cookie or header, unless that is configured otherwise. */
  readonly name: string;
  /** What a value that comes from outside must be; without it the type is believed. */
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  /** Exists for the compiler only. */
  readonly valueType?: T;
}

/**
 * A key for a session; make it once and export it. `T` is anything that the serializer can write, by default what JSON
 * knows. With a schema of any library that speaks Standard Schema (zod, valibot, arktype) `T` comes from the schema,
 * and a session that does not match is as good as none. A name that is no token is `PORTICO_SESSION_NAME`.
 *
 * ```ts
 * const Cart = sessionKey<{ items: string[] }>('cart');
 * const Visitor = sessionKey('visitor', z.object({ userId: z.string() }));
 * ```
 */
export function sessionKey<T>(name: string, schema?: StandardSchemaV1<unknown, T>): SessionKey<T> {
  if (!isToken(name))
    throw new PorticoError(
      'PORTICO_SESSION_NAME',
      `${JSON.stringify(name)} cannot be the name of a session. Use letters, digits, - and _.`,
    );
  if (schema !== undefined) checkSchema(schema, `sessionKey(${JSON.stringify(name)}, …)`);
  return { name, schema };
}
