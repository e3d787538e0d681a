import { PorticoError } from '../errors.js';

/**
 * A failure that has an HTTP status of its own. Thrown by handlers, plugins and the framework; where nobody handles
 * it, the engine answers with `status` and, below 500, the message as text. Messages are seen by clients: they MUST
 * NOT tell anything internal.
 */
export class HttpError extends PorticoError {
  /** 400 to 599. */
  readonly status: number;

  /** A status that is not from 400 to 599 is a mistake in the program: `PORTICO_INVALID_STATUS`. */
  constructor(status: number, code: string, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
    if (!Number.isInteger(status) || status < 400 || status > 599)
      throw new PorticoError(
        'PORTICO_INVALID_STATUS',
        `${status} is not the status of an error (${message}). Use a whole number from 400 to 599.`,
        { cause: this },
      );
    this.name = new.target.name;
    this.status = status;
  }
}

/** 400: the request cannot be understood. Code `PORTICO_BAD_REQUEST`. */
export class BadRequestError extends HttpError {
  constructor(message: string, options?: { readonly cause?: unknown; readonly code?: string }) {
    super(400, options?.code ?? 'PORTICO_BAD_REQUEST', message, options);
  }
}

/** 400: a parameter that the handler needs is not there. Code `PORTICO_PARAMETER_MISSING`. */
export class MissingRequestParameterError extends BadRequestError {
  readonly parameter: string;

  constructor(parameter: string) {
    super(`Request parameter ${parameter} is missing.`, { code: 'PORTICO_PARAMETER_MISSING' });
    this.parameter = parameter;
  }
}

/** 400: the body was understood, and is not what it should be. Code `PORTICO_REQUEST_INVALID`. */
export class RequestValidationError extends BadRequestError {
  /** What was received. */
  readonly value: unknown;
  /** What is wrong with it, one text each; clients see them. */
  readonly reasons: readonly string[];

  constructor(value: unknown, reasons: readonly string[]) {
    super(`The request is not valid: ${reasons.join(', ')}`, { code: 'PORTICO_REQUEST_INVALID' });
    this.value = value;
    this.reasons = reasons;
  }
}

/** 404: there is no such thing. Code `PORTICO_NOT_FOUND`. */
export class NotFoundError extends HttpError {
  constructor(message = 'Not found.', options?: { readonly cause?: unknown }) {
    super(404, 'PORTICO_NOT_FOUND', message, options);
  }
}

/** 408: the request body stopped coming. Code `PORTICO_BODY_TIMEOUT`. */
export class RequestTimeoutError extends HttpError {
  constructor(message = 'The request body did not arrive in time.') {
    super(408, 'PORTICO_BODY_TIMEOUT', message);
  }
}

/** 413: the body is larger than allowed. Code `PORTICO_PAYLOAD_TOO_LARGE`. */
export class PayloadTooLargeError extends HttpError {
  /** Bytes that would have been allowed; undefined when the limit is that of the connector. */
  readonly maxBytes: number | undefined;

  constructor(maxBytes?: number) {
    const limit = maxBytes === undefined ? '' : `; at most ${maxBytes} bytes are allowed`;
    super(413, 'PORTICO_PAYLOAD_TOO_LARGE', `The request body is too large${limit}.`);
    this.maxBytes = maxBytes;
  }
}

/** 413: a multipart form has more than the handler allows. Code `PORTICO_MULTIPART_LIMIT`. */
export class MultipartLimitError extends HttpError {
  constructor(what: string) {
    super(413, 'PORTICO_MULTIPART_LIMIT', `The form has ${what}.`);
  }
}

/** 415: the body is of a type that cannot be converted to what the handler wants. `PORTICO_UNSUPPORTED_MEDIA_TYPE`. */
export class UnsupportedMediaTypeError extends HttpError {
  constructor(message: string) {
    super(415, 'PORTICO_UNSUPPORTED_MEDIA_TYPE', message);
  }
}

/** The body was received a second time. Code `PORTICO_BODY_CONSUMED`; a mistake in the program, so 500. */
export class RequestAlreadyConsumedError extends PorticoError {
  constructor() {
    super(
      'PORTICO_BODY_CONSUMED',
      'The request body has already been received. Receive it once and keep the value.',
    );
  }
}

/** The client or the container gave the call up; nothing can be sent any more. Code `PORTICO_CALL_ABORTED`. */
export class CallAbortedError extends PorticoError {
  constructor(reason: number) {
    super('PORTICO_CALL_ABORTED', `The call was given up before it was answered (abort reason ${reason}).`);
  }
}

/**
 * HTTP status for anything that was thrown while a call was answered; the only place that knows. An `HttpError` has
 * its own, a timeout (`TimeoutError` as `AbortSignal.timeout` makes it) is 504, everything else 500.
 */
export function statusOfError(error: unknown): number {
  try {
    if (error instanceof HttpError) return error.status;
    if (typeof error === 'object' && error !== null && 'name' in error && error.name === 'TimeoutError')
      return 504;
  } catch {
    // A proxy that does not want to be looked at.
  }
  return 500;
}
