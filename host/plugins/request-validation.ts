import { Readable } from 'node:stream';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationReceivePipeline } from '../application/call-pipelines.js';
import { RequestValidationError } from '../application/http-errors.js';
import { ReceiveType } from '../application/receive-type.js';
import { RequestBody } from '../application/request-body.js';
import { checkBySchema, checkSchema, isSchema } from '../application/schema-issues.js';
import { checkFunction } from '../errors.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';

export { RequestValidationError } from '../application/http-errors.js';

/** What is wrong with a value: nothing (undefined), or a text or several. Clients see them. */
export type Reasons = string | readonly string[] | undefined;
/** Looks at a received value; MAY be asynchronous. */
export type Validation<T> = (value: T, call: ApplicationCall) => Reasons | Promise<Reasons>;

// biome-ignore lint/suspicious/noExplicitAny: constructors of any signature are meant
type Type<T> = abstract new (...args: any[]) => T;
/** Picks values. */
export type Filter = (value: unknown, call: ApplicationCall) => boolean;

interface Validator {
  readonly filter: Filter;
  readonly validation: Validation<unknown>;
}

/** What received values are held against. */
export class RequestValidationConfig {
  readonly #validators: Validator[] = [];

  /**
   * Validates what is received as a `ReceiveType` or by a schema, and values of a class. `validation` is a function or a
   * Standard Schema, whose issues are the reasons; what it makes of the value is not used, `call.receive(schema)` is for
   * that.
   */
  validate<T>(
    what: ReceiveType<T> | StandardSchemaV1<unknown, T> | Type<T>,
    validation: Validation<T> | StandardSchemaV1,
  ): void {
    this.#validators.push({ filter: filterOf(what), validation: validationOf(validation) });
  }

  /** Validates the values that `filter` picks. */
  validateWhere(filter: Filter, validation: Validation<unknown> | StandardSchemaV1): void {
    this.#validators.push({ filter, validation: validationOf(validation) });
  }

  /** Runs all validations that concern a value; what all of them say. */
  async reasonsAgainst(value: unknown, call: ApplicationCall): Promise<readonly string[]> {
    const reasons: string[] = [];
    for (const { filter, validation } of this.#validators) {
      if (!filter(value, call)) continue;
      const found = await validation(value, call);
      if (found !== undefined) reasons.push(...[found].flat());
    }
    return reasons;
  }
}

/**
 * Plugin: validates what handlers receive. All validations that concern a value run; if any of them says something, the
 * call fails with `RequestValidationError`, which has the value and all reasons: 400, or what `StatusPages` makes of it.
 * Streams and multipart forms are not validated.
 *
 * ```ts
 * application.install(RequestValidation, (config) => {
 *   config.validate(Customer, ({ id }) => (id > 0 ? undefined : 'An id is greater than 0'));
 *   config.validate(ReceiveType.TEXT, (text) => (text.length < 100 ? undefined : 'too long'));
 * });
 * ```
 */
export const RequestValidation: RouteScopedPlugin<RequestValidationConfig, void> = createRouteScopedPlugin(
  'RequestValidation',
  {
    createConfig: () => new RequestValidationConfig(),
    install({ config, pipeline }) {
      pipeline.receivePipeline.intercept(ApplicationReceivePipeline.After, async (run, value) => {
        if (value instanceof RequestBody || value instanceof Readable) return;
        const reasons = await config.reasonsAgainst(value, run.context);
        if (reasons.length > 0) throw new RequestValidationError(value, reasons);
      });
    },
  },
);

function filterOf(what: ReceiveType<unknown> | StandardSchemaV1 | Type<unknown>): Filter {
  if (what instanceof ReceiveType) return (_value, { receiveType }) => receiveType === what;
  if (isSchema(what)) return (_value, { receiveType }) => receiveType.schema === what;
  if (typeof what !== 'function') checkSchema(what, 'validate()');
  return (value) => Object(value) instanceof what;
}

function validationOf<T>(validation: Validation<T> | StandardSchemaV1): Validation<unknown> {
  if (!isSchema(validation)) {
    checkFunction(validation, () => 'A validation');
    return validation as Validation<unknown>;
  }
  return async (value) => {
    const result = await checkBySchema(validation, value);
    return 'reasons' in result ? result.reasons : undefined;
  };
}
