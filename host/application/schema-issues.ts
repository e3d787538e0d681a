import type { StandardSchemaV1 } from '@standard-schema/spec';
import { kindOf, PorticoError } from '../errors.js';

/** Checks a value by a Standard Schema: what the schema makes of it, or what is wrong with it. */
export async function checkBySchema<T>(
  schema: StandardSchemaV1<unknown, T>,
  value: unknown,
): Promise<{ readonly value: T } | { readonly reasons: readonly string[] }> {
  const result = await schema['~standard'].validate(value);
  return result.issues === undefined ? { value: result.value } : { reasons: result.issues.map(reasonOf) };
}

/** Does it speak Standard Schema? The schemas of some libraries are functions. */
export function isSchema(given: unknown): given is StandardSchemaV1 {
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function';
  return isObject && typeof (given as Partial<StandardSchemaV1>)['~standard']?.validate === 'function';
}

/** Refuses what is no schema: `PORTICO_NOT_A_SCHEMA`. `what` needs it: `receive()`. */
export function checkSchema(given: unknown, what: string): void {
  if (isSchema(given)) return;
  throw new PorticoError(
    'PORTICO_NOT_A_SCHEMA',
    `${what} needs a schema of zod, valibot, arktype or another library that speaks Standard Schema, and got ${kindOf(given)}.`,
  );
}

/** `items.0.price: Expected number`. */
function reasonOf({ message, path = [] }: StandardSchemaV1.Issue): string {
  const keys = path.map((step) => String(typeof step === 'object' ? step.key : step));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
