import type { Readable } from 'node:stream';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Exchange } from '../exchange/exchange.js';
import { Attributes } from '../pipeline/attributes.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import type { Application } from './application.js';
import { ApplicationRequest } from './application-request.js';
import { ApplicationResponse, checkStatus } from './application-response.js';
import type { ApplicationReceivePipeline, ApplicationSendPipeline } from './call-pipelines.js';
import { CallSignals } from './call-signals.js';
import { isChunkSource } from './chunk-reader.js';
import { discardContent } from './content-facts.js';
import type { FileOptions } from './file-content.js';
import { UnsupportedMediaTypeError } from './http-errors.js';
import type { LogContext } from './log-context.js';
import { Multipart } from './multipart/multipart.js';
import type { MultipartOptions } from './multipart/part.js';
import { nativeContent } from './native-content.js';
import {
  APPLICATION_JSON,
  BytesContent,
  type ChunkSource,
  type ContentOptions,
  NoContent,
  OutgoingContent,
  StreamContent,
  type StreamOptions,
  TEXT_PLAIN,
  TextContent,
  WriterContent,
} from './outgoing-content.js';
import { Parameters } from './parameters.js';
import { ReceiveType } from './receive-type.js';
import { DEFAULT_MAX_RECEIVE_BYTES, RequestBody } from './request-body.js';
import type { ResponseWriter } from './response-writer.js';

/** Path parameters of a route whose pattern the compiler does not know. */
export type AnyPathParameters = { readonly [name: string]: string | readonly string[] | undefined };

/** What routing puts into a call when it has chosen a route. */
export interface CallRoute {
  readonly sendPipelineOfCall: ApplicationSendPipeline;
  readonly receivePipelineOfCall: ApplicationReceivePipeline;
  toString(): string;
}

/** Parameters of the path, made when they are asked for. */
export interface PathValues {
  /** All values of each name. */
  all(): Parameters;
  /** First value of each name; lists for names with `...`. */
  first(): AnyPathParameters;
}

/** Options of receiving into memory. */
export interface ReceiveOptions {
  /** Default 10 MiB; a larger body is 413. */
  readonly maxBytes?: number;
}

/**
 * One request and its answer, as the application sees them. Made by the engine for each exchange, lives until the
 * answer was sent. Everything but the answer itself is made when it is first asked for.
 *
 * Answering is synchronous where the content is in memory: the `respond…` methods then return undefined, otherwise a
 * promise of the end of the body. The first answer counts; a second one is ignored.
 */
export class ApplicationCall<PathParameters = AnyPathParameters> {
  readonly application: Application;
  /** The engine's side; for plugins that replace the engine's work. */
  readonly exchange: Exchange;
  /** Method that routing goes by. Plugins MAY change it in Setup or Plugins. */
  method: string;
  /** What routing read from the path; undefined before. */
  pathValues: PathValues | undefined;
  /** The route that was chosen; undefined before routing and for calls that no route answers. */
  route: CallRoute | undefined;
  /** Why routing found no route: 404, 405, 400, 406 or 415; undefined before. */
  routingFailureStatus: number | undefined;
  /** Methods that would have been allowed, with a failure of 405. */
  allowedMethods: readonly string[] | undefined;
  /** What the running `receive` wants. */
  receiveType: ReceiveType<unknown> = ReceiveType.BYTES;
  /** Limit of the running `receive`, in bytes. */
  receiveLimit: number = DEFAULT_MAX_RECEIVE_BYTES;
  /** The answer that is being sent, when that takes time. */
  answering: Promise<void> | undefined;
  /** Facts about this call for its lines in the log; see `withCallFacts`. */
  logContext: LogContext | undefined;

  #sentContent: OutgoingContent | undefined;
  #parameters: PathParameters | undefined;
  #pathParameters: Parameters | undefined;
  #request: ApplicationRequest | undefined;
  #response: ApplicationResponse | undefined;
  #attributes: Attributes | undefined;
  #signals: CallSignals | undefined;
  #abortController: AbortController | undefined;

  constructor(application: Application, exchange: Exchange) {
    this.application = application;
    this.exchange = exchange;
    this.method = exchange.head.method;
    this.pathValues = undefined;
    this.route = undefined;
    this.routingFailureStatus = undefined;
    this.allowedMethods = undefined;
    this.answering = undefined;
    this.logContext = undefined;
  }

  /** Parameters of the path by the names in the pattern of the route; typed there. Lists for names with `...`. */
  get parameters(): PathParameters {
    this.#parameters ??= (this.pathValues?.first() ?? NO_PARAMETERS) as PathParameters;
    return this.#parameters;
  }

  /** The same with all values of each name. */
  get pathParameters(): Parameters {
    this.#pathParameters ??= this.pathValues?.all() ?? Parameters.EMPTY;
    return this.#pathParameters;
  }

  get request(): ApplicationRequest {
    this.#request ??= new ApplicationRequest(this as ApplicationCall, this.exchange.head);
    return this.#request;
  }

  get response(): ApplicationResponse {
    this.#response ??= new ApplicationResponse(this as ApplicationCall);
    return this.#response;
  }

  get attributes(): Attributes {
    this.#attributes ??= new Attributes();
    return this.#attributes;
  }

  /** Path that routes are matched against: without the root path where the container has removed it. */
  get localPath(): string {
    return this.exchange.head.path;
  }

  /** Path below the root path: the same in the container and on its own. For rules about paths of the application. */
  get pathInApplication(): string {
    const { isRootPathRemoved, rootPath } = this.application.environment;
    const path = this.localPath;
    if (isRootPathRemoved || rootPath === '') return path;
    if (path === rootPath) return '/';
    return path.startsWith(`${rootPath}/`) ? path.slice(rootPath.length) : path;
  }

  /** Query and path values in one; query values first. */
  get allParameters(): Parameters {
    return this.request.queryParameters.withMissing(this.pathParameters);
  }

  /** True once an answer was committed. */
  get isHandled(): boolean {
    return this.#sentContent !== undefined;
  }

  /** Aborted when the client goes, or the container gives the call up, before the answer was complete. */
  get signal(): AbortSignal {
    if (this.#abortController === undefined) {
      const controller = new AbortController();
      this.#abortController = controller;
      this.signals.onAbort((error) => controller.abort(error));
    }
    return this.#abortController.signal;
  }

  /**
   * Runs the send pipeline with a value: contents, texts, bytes, streams, `Response`, `Blob`; everything else becomes
   * JSON. A promise is waited for. An `Error` is thrown. What JSON does not know, such as undefined, is 406.
   */
  respond(value: unknown, status?: number): void | Promise<void> {
    if (status !== undefined) this.response.status = status;
    if (typeof value !== 'object' || value === null || value instanceof OutgoingContent)
      return this.#send(value);
    if (isPromiseLike(value)) return this.#answerLater(value.then((awaited) => this.respond(awaited)));
    return this.#send(nativeContent(value) ?? value);
  }

  /** Answers with a text, sent as UTF-8. */
  respondText(text: string, contentType: string = TEXT_PLAIN, status?: number): void | Promise<void> {
    return this.respond(new TextContent(text, contentType, checked(status)));
  }

  /** Answers with a value as JSON, whatever its type. */
  respondJson(value: unknown, status?: number): void | Promise<void> {
    return this.respond(new TextContent(JSON.stringify(value) ?? 'null', APPLICATION_JSON, checked(status)));
  }

  respondBytes(bytes: Uint8Array, contentType?: string, status?: number): void | Promise<void> {
    return this.respond(new BytesContent(bytes, contentType, checked(status)));
  }

  /** Answers with a stream; see `StreamContent`. The promise resolves when the last byte was handed over. */
  respondStream(source: ChunkSource, options?: StreamOptions): void | Promise<void> {
    checked(options?.status);
    return this.respond(new StreamContent(source, options));
  }

  /**
   * Answers with a file of the file system: type by its name, length, Last-Modified; ranges with `PartialContent`. Not
   * there: `PORTICO_NOT_FOUND` (404). Where a client names the file, give the `folder` it must lie in:
   *
   * ```ts
   * r.get('/uploads/{name}', (call) => call.respondFile(call.parameters.name, { folder: 'uploads' }));
   * ```
   */
  respondFile(path: string, options: FileOptions = {}): Promise<void> {
    checked(options.status);
    return this.#answerLater(
      import('./file-content.js').then(async ({ fileContent }) =>
        this.respond(await fileContent(path, options)),
      ),
    );
  }

  /** Answers with what `write` writes; see `WriterContent`. */
  respondWriter(
    write: (writer: ResponseWriter) => void | Promise<void>,
    options?: StreamOptions,
  ): void | Promise<void> {
    checked(options?.status);
    return this.respond(new WriterContent(write, options));
  }

  /** Answers with a status and no body. */
  respondStatus(status: number, options?: ContentOptions): void | Promise<void> {
    return this.respond(new NoContent({ ...options, status: checked(status) }));
  }

  /**
   * Sends the client elsewhere: 302, or 301 with `permanent`. `url` is sent as it is, what is not ASCII in it
   * percent-encoded; for a path of this application use `call.application.href('/login')`, for a whole URL
   * `new UrlBuilder(call.request.origin.url)`.
   */
  respondRedirect(url: string, permanent = false): void | Promise<void> {
    const headers = ['Location', encodeBeyondAscii(url)];
    return this.respond(new NoContent({ status: permanent ? 301 : 302, headers }));
  }

  /** Runs the receive pipeline. `PORTICO_UNSUPPORTED_MEDIA_TYPE` (415) when nothing can make the wanted type of it. */
  receive<T>(type: ReceiveType<T>, options?: ReceiveOptions): Promise<T>;
  /**
   * Receives a value that a Standard Schema (zod, valibot, arktype, …) lets through, as the schema gives it: from JSON,
   * from a form (an object of its fields, lists for those that came more than once), or by content negotiation. A value
   * that the schema refuses: `RequestValidationError` (400).
   */
  receive<Schema extends StandardSchemaV1>(
    schema: Schema,
    options?: ReceiveOptions,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>;
  async receive(wanted: ReceiveType<unknown> | StandardSchemaV1, options?: ReceiveOptions): Promise<unknown> {
    const { body } = this.signals;
    const type = wanted instanceof ReceiveType ? wanted : ReceiveType.of(wanted);
    this.receiveType = type;
    this.receiveLimit = options?.maxBytes ?? DEFAULT_MAX_RECEIVE_BYTES;
    const pipeline = this.route?.receivePipelineOfCall ?? this.application.receivePipeline;
    const value = await pipeline.execute(this as ApplicationCall, body);
    if (value instanceof RequestBody)
      throw new UnsupportedMediaTypeError(`The body cannot be received as ${type.name}.`);
    return value;
  }

  /** The body as text, by the charset of Content-Type; UTF-8 without one. */
  receiveText(options?: ReceiveOptions): Promise<string> {
    return this.receive(ReceiveType.TEXT, options);
  }

  receiveBytes(options?: ReceiveOptions): Promise<Buffer> {
    return this.receive(ReceiveType.BYTES, options);
  }

  /** The body parsed as JSON; malformed is 400, another content type 415. `T` is believed, not checked. */
  receiveJson<T = unknown>(options?: ReceiveOptions): Promise<T> {
    return this.receive(ReceiveType.JSON as ReceiveType<T>, options);
  }

  /** Fields of a form, urlencoded or multipart, whose files are dropped; another content type is 415. */
  receiveForm(options?: ReceiveOptions): Promise<Parameters> {
    return this.receive(ReceiveType.FORM, options);
  }

  /**
   * Fields and files of a multipart form, as they come; another content type is 415, a malformed form 400
   * (`PORTICO_BAD_MULTIPART`), more than the limits 413 (`PORTICO_MULTIPART_LIMIT`).
   *
   * ```ts
   * for await (const part of call.receiveMultipart())
   *   if (part.kind === 'file') await part.saveTo(join(uploads, randomUUID()));
   * ```
   */
  receiveMultipart(options?: MultipartOptions): Multipart {
    return new Multipart(() => this.receiveStream(), this.request.contentType, options);
  }

  /** The body as it comes, no faster than it is read. */
  receiveStream(): Promise<Readable> {
    return this.receive(ReceiveType.STREAM);
  }

  /** Body, drain and abort of the exchange. First use MUST be before the engine's handler returns; it sees to that. */
  get signals(): CallSignals {
    this.#signals ??= new CallSignals(this.exchange);
    return this.#signals;
  }

  /** The signals if anybody needed them. */
  get signalsOrNull(): CallSignals | undefined {
    return this.#signals;
  }

  /** Status set on the response, without making the response object. */
  get responseStatus(): number | undefined {
    return this.#response?.status;
  }

  /** Headers set on the response, without making the response object. */
  get responseFields(): readonly string[] | undefined {
    return this.#response?.headers.flat;
  }

  /** What the call was answered with; undefined before. */
  get sentContent(): OutgoingContent | undefined {
    return this.#sentContent;
  }

  /** Status the call was answered with; undefined before. */
  get sentStatus(): number | undefined {
    return this.#sentContent === undefined
      ? undefined
      : (this.#sentContent.status ?? this.responseStatus ?? 200);
  }

  /** The answer is committed from here on; for the end of the send pipeline. */
  markHandled(content: OutgoingContent): void {
    this.#sentContent = content;
  }

  #send(value: unknown): void | Promise<void> {
    const pipeline = this.route?.sendPipelineOfCall ?? this.application.sendPipeline;
    let result: unknown;
    try {
      result = pipeline.execute(this as ApplicationCall, value);
    } catch (error) {
      this.#dropUnsent(value);
      throw error;
    }
    if (isPromiseLike(result)) return this.#answerLater(result, value);
  }

  #answerLater(result: PromiseLike<unknown>, value?: unknown): Promise<void> {
    const answering = Promise.resolve(result).then(
      () => undefined,
      (error: unknown) => {
        this.#dropUnsent(value);
        throw error;
      },
    );
    // The engine waits for it as well, so a handler that forgot to await it loses nothing; this only marks it as seen.
    answering.catch(() => undefined);
    this.answering = answering;
    return answering;
  }

  /** The send pipeline has failed before the end: nobody else lets go of what was to be sent. */
  #dropUnsent(value: unknown): void {
    if (this.isHandled) return;
    if (value instanceof StreamContent) discardContent(this as ApplicationCall, value);
    else if (isChunkSource(value)) discardContent(this as ApplicationCall, new StreamContent(value));
  }
}

const NO_PARAMETERS: AnyPathParameters = Object.freeze(Object.create(null));

/** RFC 3986 §2.1: a URI has no other characters; what is encoded already stays. */
function encodeBeyondAscii(url: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are refused by the header check, not here.
  return url.replace(/[^\x00-\x7f]+/g, (text) =>
    Buffer.from(text).reduce((encoded, byte) => `${encoded}%${byte.toString(16).toUpperCase()}`, ''),
  );
}

function checked(status: number | undefined): number | undefined {
  if (status !== undefined) checkStatus(status);
  return status;
}
