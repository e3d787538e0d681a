import type { StandardSchemaV1 } from '@standard-schema/spec';

/** Checks a value by a Standard Schema: what the schema makes of it, or what is wrong with it. */
export async function checkBySchema<T>(
  schema: StandardSchemaV1<unknown, T>,
  value: unknown,
): Promise<{ readonly value: T } | { readonly reasons: readonly string[] }> {
  const result = await schema['~standard'].validate(value);
  return result.issues === undefined ? { value: result.value } : { reasons: result.issues.map(reasonOf) };
}

/** `items.0.price: Expected number`. */
function reasonOf({ message, path = [] }: StandardSchemaV1.Issue): string {
  const keys = path.map((step) => String(typeof step === 'object' ? step.key : step));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
