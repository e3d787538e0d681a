import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import type { ApplicationCall } from './application-call.js';
import {
  type ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
} from './call-pipelines.js';
import { isChunkSource } from './chunk-reader.js';
import { commitResponse } from './commit-response.js';
import { BadRequestError, UnsupportedMediaTypeError } from './http-errors.js';
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
import { parseForm } from './query.js';
import { ReceiveType } from './receive-type.js';
import { RequestBody } from './request-body.js';
import { requestMediaType } from './request-media-type.js';

/** Where bytes become a text; `After` sees the text. */
const AfterTransform = new PipelinePhase('AfterTransform');

/**
 * What happens to values that no plugin cares for. Sending, in Render: texts, bytes, streams as they are, every other
 * value that JSON knows as `application/json`, the rest 406. Receiving, in Transform: bytes, stream, JSON, form; texts
 * behind Transform, so that plugins see the bytes first. The Engine phase of sending commits the answer.
 */
export function installDefaultTransforms(target: ApplicationCallPipeline): void {
  target.sendPipeline.intercept(ApplicationSendPipeline.Render, (run, subject) => {
    if (!(subject instanceof OutgoingContent)) run.subject = render(run.context, subject);
  });
  target.sendPipeline.intercept(ApplicationSendPipeline.Engine, (run, subject) => {
    const call = run.context;
    if (!call.isHandled) return commitResponse(call, subject as AnyContent);
    // What is done when an answer was sent is not done for one that was not.
    run.finish();
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
    if (subject instanceof Uint8Array && call.receiveType === ReceiveType.TEXT)
      run.subject = decodeText(call, subject);
  });
}

function render(call: ApplicationCall, value: unknown): OutgoingContent {
  const own = call.responseFields === undefined ? undefined : call.response.headers.get('Content-Type');
  if (typeof value === 'string') return new TextContent(value, own ?? TEXT_PLAIN);
  if (value instanceof Uint8Array) return new BytesContent(value, own);
  if (isChunkSource(value)) return new StreamContent(value, { contentType: own });
  const json = JSON.stringify(value) as string | undefined;
  // RFC 9110 §15.5.7: there is nothing to send that the client could take.
  return json === undefined ? new NoContent({ status: 406 }) : new TextContent(json, own ?? APPLICATION_JSON);
}

function convert(call: ApplicationCall, body: RequestBody): unknown {
  switch (call.receiveType) {
    case ReceiveType.STREAM:
      return body.stream();
    case ReceiveType.BYTES:
    case ReceiveType.TEXT:
      return body.readAll(call.receiveLimit);
    case ReceiveType.JSON:
      requireMediaType(
        call,
        (type) => type === 'application/json' || type.endsWith('+json'),
        'application/json',
      );
      return body.readAll(call.receiveLimit).then((bytes) => parseJson(call, bytes));
    case ReceiveType.FORM:
      requireMediaType(call, (type) => type === URLENCODED, URLENCODED);
      return body.readAll(call.receiveLimit).then((bytes) => parseForm(decodeText(call, bytes)));
    default:
      return body;
  }
}

const URLENCODED = 'application/x-www-form-urlencoded';

function requireMediaType(call: ApplicationCall, isRight: (type: string) => boolean, wanted: string): void {
  const { contentType } = call.request;
  const essence = requestMediaType(contentType)?.essence;
  if (essence === undefined || !isRight(essence))
    throw new UnsupportedMediaTypeError(
      `Content-Type is ${contentType ?? 'missing'}, but ${wanted} is needed.`,
    );
}

function parseJson(call: ApplicationCall, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(call, bytes)) as unknown;
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new BadRequestError(`The body is not JSON: ${cause.message}.`, {
        cause,
        code: 'PORTICO_BAD_JSON',
      });
    throw cause;
  }
}

function decodeText(call: ApplicationCall, bytes: Uint8Array): string {
  const charset = requestMediaType(call.request.contentType)?.charset;
  if (charset === undefined || charset === 'utf-8')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch (cause) {
    throw new BadRequestError(`The charset ${charset} of Content-Type is not known.`, { cause });
  }
}
