import type { ApplicationCall } from '../application/application-call.js';
import { decodeBodyText } from '../application/body-text.js';
import { ApplicationSendPipeline } from '../application/call-pipelines.js';
import { isChunkSource } from '../application/chunk-reader.js';
import { contentTypeOfAnswer, discardContent, statusOfAnswer } from '../application/content-facts.js';
import { BadRequestError, UnsupportedMediaTypeError } from '../application/http-errors.js';
import {
  type AnyContent,
  BytesContent,
  NoContent,
  OutgoingContent,
  TextContent,
} from '../application/outgoing-content.js';
import type { RequestBody } from '../application/request-body.js';
import { requestMediaType } from '../application/request-media-type.js';
import { kindOf, PorticoError } from '../errors.js';
import { type AcceptedMediaType, MediaType, parseAccept } from '../http/media-type.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import { invalidOption } from '../plugin/check-option.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { accepts } from './content-negotiation/accepts.js';
import type { ContentConverter, Converted, SerializeContext } from './content-negotiation/converter.js';
import { type JsonOptions, jsonConverter } from './content-negotiation/json-converter.js';
import { encodeText, responseCharset } from './content-negotiation/response-charset.js';

export {
  ContentConvertError,
  type ContentConverter,
  type Converted,
  type DeserializeContext,
  type SerializeContext,
} from './content-negotiation/converter.js';
export type { JsonOptions } from './content-negotiation/json-converter.js';

/** Says what the client accepts; gets what the request says, best first. */
export type AcceptContributor = (
  call: ApplicationCall,
  accepted: readonly AcceptedMediaType[],
) => readonly AcceptedMediaType[];

// biome-ignore lint/suspicious/noExplicitAny: constructors of any signature are meant
type Type = abstract new (...args: any[]) => unknown;

interface Registration {
  readonly contentType: MediaType;
  readonly converter: ContentConverter;
  readonly takes: (requestType: MediaType) => boolean;
}

/** Media types with their converters, in the order in which they are offered. */
export class ContentNegotiationConfig {
  /** An answer of 2xx whose type Accept does not name becomes 406, also one that no converter made. Default false. */
  checkAcceptHeaderCompliance = false;
  readonly #registrations: Registration[] = [];
  readonly #contributors: AcceptContributor[] = [];
  /** By value of Accept: clients of one kind send the same. */
  readonly #offers = new Map<string, readonly Registration[]>();
  readonly #ignored = new Set<Type>([String, Uint8Array]);
  #ignoresStreams = true;

  /** Offers `application/json`; takes that and `application/…+json`. */
  json(options: JsonOptions = {}): void {
    const takes = ({ essence }: MediaType): boolean =>
      essence === 'application/json' || /^application\/.+\+json$/.test(essence);
    this.register('application/json', jsonConverter(options), takes);
  }

  /**
   * Offers a type, and takes bodies of it: of the same type, or those for which `takes` says so. Several converters of
   * one type are tried in order.
   */
  register(
    contentType: MediaType | string,
    converter: ContentConverter,
    takes?: (requestType: MediaType) => boolean,
  ): void {
    const type = typeof contentType === 'string' ? MediaType.parse(contentType) : contentType;
    if (typeof converter?.serialize !== 'function' && typeof converter?.deserialize !== 'function')
      throw invalidOption(
        `ContentNegotiation: the converter of ${type}`,
        kindOf(converter),
        'Give an object with serialize, deserialize or both.',
      );
    const isSame = (requestType: MediaType): boolean => requestType.matches(type);
    this.#registrations.push({ contentType: type, converter, takes: takes ?? isSame });
  }

  /** Values of this class are not converted; as texts, bytes, streams and contents are not. */
  ignoreType(type: Type): void {
    this.#ignored.add(type);
  }

  /** Texts, bytes and streams are converted as well. Contents never are. */
  clearIgnoredTypes(): void {
    this.#ignored.clear();
    this.#ignoresStreams = false;
  }

  /** Asks `contributor` for what the client accepts; several get what the one before has given. */
  acceptContributor(contributor: AcceptContributor): void {
    this.#contributors.push(contributor);
  }

  /** Is this a value for converters? */
  converts(value: unknown): boolean {
    if (value instanceof OutgoingContent || (this.#ignoresStreams && isChunkSource(value))) return false;
    const object: unknown = Object(value);
    for (const type of this.#ignored) if (object instanceof type) return false;
    return true;
  }

  /** What the client accepts, best first; empty when it says nothing. Malformed is 400. */
  acceptedBy(call: ApplicationCall): readonly AcceptedMediaType[] {
    let accepted = parsed(call.request.headers.getAll('Accept').join(','));
    for (const contributor of this.#contributors) accepted = contributor(call, accepted);
    return accepted;
  }

  /** Registrations that the client accepts, in its order; all when it says nothing. */
  offeredTo(call: ApplicationCall): readonly Registration[] {
    if (this.#contributors.length > 0) return this.#offered(this.acceptedBy(call));
    const accept = call.request.headers.getAll('Accept').join(',');
    let offered = this.#offers.get(accept);
    if (offered === undefined) {
      offered = this.#offered(parsed(accept));
      if (this.#offers.size < MAX_REMEMBERED) this.#offers.set(accept, offered);
    }
    return offered;
  }

  #offered(accepted: readonly AcceptedMediaType[]): readonly Registration[] {
    if (accepted.length === 0) return this.#registrations;
    const offered = accepted.flatMap(({ mediaType }) =>
      this.#registrations.filter(
        ({ contentType }) => contentType.matches(mediaType) && accepts(accepted, contentType),
      ),
    );
    return [...new Set(offered)];
  }

  /** Registrations for a body of this type. */
  takersOf(requestType: MediaType): readonly Registration[] {
    return this.#registrations.filter(({ takes }) => takes(requestType));
  }

  /** RFC 9110 §12.5.5: true when answers differ by Accept. */
  get varies(): boolean {
    const [first] = this.#registrations;
    return this.#registrations.some(({ contentType }) => contentType.essence !== first?.contentType.essence);
  }
}

/** Behind the rendering of values: what has become a content is held against Accept. */
const CheckAccept = new PipelinePhase('BodyTransformationCheckPostRender');

/**
 * Plugin: answers with values in the type that the client likes best, and makes values of bodies by their type. What
 * nobody accepts is 406, a body of a type that nobody takes 415.
 *
 * ```ts
 * application.install(ContentNegotiation, (config) => {
 *   config.json();
 *   config.register('application/xml', xmlConverter);
 * });
 * routing(application, (r) => r.post('/items', async (call) => store(await call.receive(Item))));
 * ```
 *
 * Bodies are converted for `call.receive` with a schema or a `ReceiveType` of your own; `receiveText`, `receiveJson`
 * and the others read what they say.
 */
export const ContentNegotiation: RouteScopedPlugin<ContentNegotiationConfig, void> = createRouteScopedPlugin(
  'ContentNegotiation',
  {
    createConfig: () => new ContentNegotiationConfig(),
    install(plugin) {
      const { config } = plugin;
      plugin.onCallRespond((call, value) =>
        config.converts(value) ? convert(call, value, config) : undefined,
      );
      plugin.onCallReceive((call, body) => receive(call, body, config));
      if (!config.checkAcceptHeaderCompliance) return;
      const { sendPipeline } = plugin.pipeline;
      sendPipeline.insertPhaseAfter(ApplicationSendPipeline.Render, CheckAccept);
      sendPipeline.intercept(CheckAccept, (run, subject) => {
        const content = subject as AnyContent;
        if (isAcceptable(run.call, content, config)) return;
        discardContent(run.call, content);
        run.subject = new NoContent({ status: 406 });
      });
    },
  },
);

/** Values of Accept that are remembered, so that a client cannot fill the memory. */
const MAX_REMEMBERED = 200;

function parsed(accept: string): readonly AcceptedMediaType[] {
  try {
    return parseAccept(accept);
  } catch (cause) {
    if (!(cause instanceof PorticoError)) throw cause;
    throw new BadRequestError('Accept is malformed.', { cause });
  }
}

function convert(
  call: ApplicationCall,
  value: unknown,
  config: ContentNegotiationConfig,
): OutgoingContent | Promise<OutgoingContent> {
  if (config.varies) call.response.headers.append('Vary', 'Accept');
  const wanted = call.request.headers.getAll('Accept-Charset');
  const charset = wanted.length === 0 ? 'UTF-8' : responseCharset(wanted.join(','));
  return convertBy(config.offeredTo(call), 0, { call, value, charset });
}

/** Tries the converters from `at` on. Synchronous as long as they are. */
function convertBy(
  offered: readonly Registration[],
  at: number,
  given: Omit<SerializeContext, 'contentType'>,
): OutgoingContent | Promise<OutgoingContent> {
  for (let i = at; i < offered.length; i++) {
    const { contentType, converter } = offered[i] as Registration;
    const converted = converter.serialize?.({ ...given, contentType });
    if (converted instanceof Promise)
      return converted.then((late) =>
        late === undefined ? convertBy(offered, i + 1, given) : contentOf(late, contentType, given.charset),
      );
    if (converted !== undefined) return contentOf(converted, contentType, given.charset);
  }
  // RFC 9110 §15.5.7: there is nothing to send that the client would take.
  return new NoContent({ status: 406 });
}

function contentOf(
  converted: NonNullable<Converted>,
  contentType: MediaType,
  charset: string,
): OutgoingContent {
  if (converted instanceof OutgoingContent) return converted;
  if (typeof converted !== 'string') return new BytesContent(converted, contentType.toString());
  const bytes = charset.toLowerCase() === 'utf-8' ? undefined : encodeText(converted, charset);
  return bytes === undefined
    ? new TextContent(converted, contentType.withCharset('UTF-8').toString())
    : new BytesContent(bytes, contentType.withCharset(charset).toString());
}

async function receive(
  call: ApplicationCall,
  body: RequestBody,
  config: ContentNegotiationConfig,
): Promise<unknown> {
  const contentType = requestMediaType(call.request.contentType);
  let read: Promise<Buffer> | undefined;
  const bytes = (): Promise<Buffer> => {
    read ??= body.readAll(call.receiveLimit);
    return read;
  };
  const text = async (): Promise<string> => decodeBodyText(call, await bytes());
  if (contentType !== undefined)
    for (const { converter } of config.takersOf(contentType)) {
      const value = await converter.deserialize?.({ call, type: call.receiveType, contentType, bytes, text });
      if (value !== undefined) return value;
    }
  if (isForm(contentType) && read === undefined) return undefined;
  throw new UnsupportedMediaTypeError(
    `Content-Type is ${call.request.contentType ?? 'missing'}; nothing makes ${call.receiveType.name} of it.`,
  );
}

/** Forms for a schema are read in the default way when no converter is for them. */
function isForm(contentType: MediaType | undefined): boolean {
  const essence = contentType?.essence;
  return essence === 'application/x-www-form-urlencoded' || essence === 'multipart/form-data';
}

/** Is the type of an answer among those that the client accepts? Errors are answered in any case. */
function isAcceptable(call: ApplicationCall, content: AnyContent, config: ContentNegotiationConfig): boolean {
  const status = statusOfAnswer(call, content);
  const type = MediaType.parseOrUndefined(contentTypeOfAnswer(call, content) ?? '');
  if (status < 200 || status > 299 || type === undefined) return true;
  return accepts(config.acceptedBy(call), type);
}
