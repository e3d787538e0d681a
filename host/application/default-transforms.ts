import { kindOf, messageOf, PorticoError } from '../errors.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import type { ApplicationCall } from './application-call.js';
import { decodeBodyText } from './body-text.js';
import {
  type ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
} from './call-pipelines.js';
import { isChunkSource } from './chunk-reader.js';
import { commitResponse } from './commit-response.js';
import { discardContent } from './content-facts.js';
import { BadRequestError, RequestValidationError, UnsupportedMediaTypeError } from './http-errors.js';
import { MULTIPART_FORM, readFields } from './multipart/multipart.js';

import {
  type AnyContent,
  APPLICATION_JSON,
  BytesContent,
  NoContent,
  OutgoingContent,
  StreamContent,
  TEXT_PLAIN,
  TextContent,
} from './outgoing-content.js';
import type { Parameters } from './parameters.js';
import { parseForm } from './query.js';
import { ReceiveType } from './receive-type.js';
import { RequestBody } from './request-body.js';
import { requestMediaType } from './request-media-type.js';
import { checkBySchema } from './schema-issues.js';

/** Where bytes become a text; `After` sees the text. */
const AfterTransform = new PipelinePhase('AfterTransform');

/**
 * What happens to values that no plugin cares for. Sending, in Render: texts, bytes, streams as they are, every other
 * value that JSON knows as `application/json`, the rest 406. Receiving, in Transform: bytes, stream, JSON, form; texts
 * and what a schema must check behind Transform, so that plugins see the bytes first. The Engine phase of sending
 * commits the answer.
 */
export function installDefaultTransforms(target: ApplicationCallPipeline): void {
  target.sendPipeline.intercept(ApplicationSendPipeline.Render, (run, subject) => {
    if (!(subject instanceof OutgoingContent)) run.subject = render(run.context, subject);
  });
  target.sendPipeline.intercept(ApplicationSendPipeline.Engine, (run, subject) => {
    const call = run.context;
    if (!call.isHandled) return commitResponse(call, contentOf(call, subject));
    // What is done when an answer was sent is not done for one that was not.
    run.finish();
    if (subject instanceof OutgoingContent) discardContent(call, subject as AnyContent);
    if (call.application.developmentMode)
      call.application.log.warn(`${call.method} ${call.localPath} was answered a second time; ignored.`);
    return undefined;
  });
  target.receivePipeline.intercept(ApplicationReceivePipeline.Transform, (run, subject) => {
    if (!(subject instanceof RequestBody)) return undefined;
    const value = convert(run.context, subject);
    if (!isPromiseLike(value)) {
      run.subject = value;
      return undefined;
    }
    return value.then((converted) => {
      run.subject = converted;
    });
  });
  target.receivePipeline.insertPhaseAfter(ApplicationReceivePipeline.Transform, AfterTransform);
  target.receivePipeline.intercept(AfterTransform, (run, subject) => {
    const call = run.context;
    const { receiveType } = call;
    if (subject instanceof Uint8Array && receiveType === ReceiveType.TEXT)
      run.subject = decodeBodyText(call, subject);
    if (receiveType.schema === undefined) return undefined;
    return checked(call, receiveType.schema, subject).then((value) => {
      run.subject = value;
    });
  });
}

function render(call: ApplicationCall, value: unknown): OutgoingContent {
  const own = call.responseFields === undefined ? undefined : call.response.headers.get('Content-Type');
  if (typeof value === 'string') return new TextContent(value, own ?? TEXT_PLAIN);
  if (value instanceof Uint8Array) return new BytesContent(value, own);
  if (isChunkSource(value)) return new StreamContent(value, { contentType: own });
  const json = JSON.stringify(value) as string | undefined;
  if (json !== undefined) return new TextContent(json, own ?? APPLICATION_JSON);
  call.application.log.warn(
    `${call.method} ${call.localPath} was answered with ${kindOf(value)}, which JSON does not know; 406 is sent.`,
  );
  // RFC 9110 §15.5.7: there is nothing to send that the client could take.
  return new NoContent({ status: 406 });
}

function contentOf(call: ApplicationCall, subject: unknown): AnyContent {
  if (subject instanceof OutgoingContent) return subject as AnyContent;
  throw new PorticoError(
    'PORTICO_INVALID_CONTENT',
    `The send pipeline of ${call.method} ${call.localPath} ended with ${kindOf(subject)}. An interceptor behind ` +
      'Render must leave an OutgoingContent, for example a TextContent.',
  );
}

function convert(call: ApplicationCall, body: RequestBody): unknown {
  switch (call.receiveType) {
    case ReceiveType.STREAM:
      return body.stream();
    case ReceiveType.BYTES:
    case ReceiveType.TEXT:
      return body.readAll(call.receiveLimit);
    case ReceiveType.JSON:
      return receiveJson(call, body);
    case ReceiveType.FORM:
      return receiveForm(call, body);
    default:
      return body;
  }
}

/** A body for a schema that no plugin has converted: JSON or a form. */
async function checked<T>(
  call: ApplicationCall,
  schema: NonNullable<ReceiveType<T>['schema']>,
  subject: unknown,
): Promise<T> {
  const value = subject instanceof RequestBody ? await receiveValue(call, subject) : subject;
  const result = await checkBySchema(schema, value);
  if ('reasons' in result) throw new RequestValidationError(value, result.reasons);
  return result.value;
}

async function receiveValue(call: ApplicationCall, body: RequestBody): Promise<unknown> {
  if (!isForm(call)) return receiveJson(call, body);
  const object: Record<string, unknown> = {};
  // A field named __proto__ is a field.
  for (const [name, values] of await receiveForm(call, body))
    Object.defineProperty(object, name, {
      value: values.length > 1 ? values : (values[0] ?? ''),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return object;
}

async function receiveJson(call: ApplicationCall, body: RequestBody): Promise<unknown> {
  const { contentType } = call.request;
  const essence = requestMediaType(contentType)?.essence;
  if (essence !== APPLICATION_JSON && essence?.endsWith('+json') !== true)
    throw wrongType(contentType, APPLICATION_JSON);
  const text = decodeBodyText(call, await body.readAll(call.receiveLimit));
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new BadRequestError(`The body is not JSON: ${messageOf(cause)}.`, {
      cause,
      code: 'PORTICO_BAD_JSON',
    });
  }
}

const URLENCODED = 'application/x-www-form-urlencoded';

/** Does Content-Type name one of the two encodings of forms? */
function isForm(call: ApplicationCall): boolean {
  const essence = requestMediaType(call.request.contentType)?.essence;
  return essence === URLENCODED || essence === MULTIPART_FORM;
}

async function receiveForm(call: ApplicationCall, body: RequestBody): Promise<Parameters> {
  const { contentType } = call.request;
  if (!isForm(call)) throw wrongType(contentType, `${URLENCODED} or ${MULTIPART_FORM}`);
  if (requestMediaType(contentType)?.essence === MULTIPART_FORM)
    return readFields(async () => body.stream(), contentType, call.receiveLimit);
  return parseForm(decodeBodyText(call, await body.readAll(call.receiveLimit)));
}

function wrongType(contentType: string | undefined, wanted: string): UnsupportedMediaTypeError {
  return new UnsupportedMediaTypeError(
    `Content-Type is ${contentType ?? 'missing'}, but ${wanted} is needed.`,
  );
}
