import { messageOf, PorticoError } from '../errors.js';
import { AbortReason } from '../exchange/exchange.js';
import { lowerCaseName } from '../http/lower-case.js';
import type { ApplicationCall } from './application-call.js';
import type { CallSignals } from './call-signals.js';
import { type ChunkReader, chunkReaderOf } from './chunk-reader.js';
import { headerOfAnswer, lengthOf } from './content-facts.js';
import { BadRequestError } from './http-errors.js';
import {
  type AnyContent,
  type OutgoingContent,
  type StreamContent,
  TEXT_PLAIN,
  type UpgradeContent,
  type WriterContent,
} from './outgoing-content.js';
import { ExchangeWriter } from './response-writer.js';
import { UpgradeTunnel } from './upgrade-tunnel.js';

/**
 * Turns a content into calls of the exchange; the end of the send pipeline. The call is marked as handled first, unless
 * its Content-Length is known to be wrong: `PORTICO_CONTENT_LENGTH`. A promise only for streams and writers: it
 * resolves when the last byte was handed over. A failure behind the head truncates the response visibly and rejects.
 */
export function commitResponse(call: ApplicationCall, content: AnyContent): void | Promise<void> {
  const status = content.status ?? call.responseStatus ?? 200;
  if (content.kind === 'upgrade') checkUpgrade(call, content);
  else if (call.responseFields !== undefined || content.headers !== undefined)
    checkLength(call, status, content);
  call.markHandled(content);
  if (call.exchange.isEnded) return dropContent(call, content);
  switch (content.kind) {
    case 'none':
      return call.exchange.respond(status, fieldsOf(call, content), undefined);
    case 'text':
      return call.exchange.respond(status, fieldsOf(call, content), content.text);
    case 'bytes':
      return call.exchange.respond(status, fieldsOf(call, content), content.bytes);
    case 'stream':
      return sendStream(call, status, content);
    case 'writer':
      return sendWritten(call, status, content);
    case 'upgrade':
      return sendUpgrade(call, content);
  }
}

const TEXT_PLAIN_FIELDS: readonly string[] = ['Content-Type', TEXT_PLAIN];
const NO_FIELDS: readonly string[] = [];

/** Response headers, then those of the content; its Content-Type only if the response has none. */
function fieldsOf(call: ApplicationCall, content: OutgoingContent, length?: number): readonly string[] {
  const own = call.responseFields;
  if (own === undefined && content.headers === undefined && length === undefined) {
    if (content.contentType === undefined) return NO_FIELDS;
    if (content.contentType === TEXT_PLAIN) return TEXT_PLAIN_FIELDS;
    return ['Content-Type', content.contentType];
  }
  const fields =
    own === undefined
      ? [...(content.headers ?? [])]
      : content.headers === undefined
        ? own.slice()
        : own.concat(content.headers);
  if (content.contentType !== undefined && !hasField(fields, 'content-type'))
    fields.push('Content-Type', content.contentType);
  if (length !== undefined && !hasField(fields, 'content-length'))
    fields.push('Content-Length', String(length));
  return fields;
}

function hasField(fields: readonly string[], lowerName: string): boolean {
  for (let i = 0; i < fields.length; i += 2)
    if (lowerCaseName(fields[i] as string) === lowerName) return true;
  return false;
}

/** RFC 9110 §9.3.2, §15.3.5, §15.4.5: HEAD, 204 and 304 have no body, so its source is not even read. */
function isBodyless(call: ApplicationCall, status: number): boolean {
  return call.exchange.head.method === 'HEAD' || status === 204 || status === 304;
}

/** RFC 9110 §8.6: found before the head is out, the client gets an error and not half an answer. */
function checkLength(call: ApplicationCall, status: number, content: AnyContent): void {
  const declared = headerOfAnswer(call, content, 'Content-Length');
  if (declared === undefined || isBodyless(call, status)) return;
  const length = lengthOf(content);
  if (length === undefined || (/^\d+$/.test(declared) && Number(declared) === length)) return;
  throw new PorticoError(
    'PORTICO_CONTENT_LENGTH',
    `Content-Length of the answer is ${declared}, but its content has ${length} bytes. Leave it out: it is sent anyway.`,
  );
}

async function sendWritten(call: ApplicationCall, status: number, content: WriterContent): Promise<void> {
  const writer = begin(call, status, content);
  if (writer === undefined) return;
  try {
    await content.write(writer);
    writer.end();
  } catch (error) {
    call.exchange.abort(AbortReason.APPLICATION_ERROR);
    throw error;
  }
}

/** RFC 9110 §7.8: a server MUST NOT switch to a protocol that the client has not named. */
function checkUpgrade(call: ApplicationCall, { protocol }: UpgradeContent): void {
  if (call.exchange.head.upgrade !== undefined) return;
  throw new BadRequestError(`This resource speaks ${protocol}; the request asks for no upgrade.`, {
    code: 'PORTICO_UPGRADE_REQUIRED',
  });
}

async function sendUpgrade(call: ApplicationCall, content: UpgradeContent): Promise<void> {
  const { exchange, signals } = call;
  const tunnel = new UpgradeTunnel(exchange);
  const closed = new Promise<void>((resolve) => {
    tunnel.once('close', resolve);
  });
  signals.tunnelTo(tunnel.listener);
  exchange.begin(101, [...fieldsOf(call, content), 'Upgrade', content.protocol]);
  await content.open(tunnel);
  await closed;
}

/** The client has gone: there is nobody to send it to. */
function dropContent(call: ApplicationCall, content: AnyContent): void {
  if (content.kind === 'stream')
    chunkReaderOf(content.source).stop(new Error('The client has gone.'), logFailedStop(call));
}

function logFailedStop(call: ApplicationCall): (error: unknown) => void {
  return (error) =>
    call.application.log.debug(`Stopping the source of a response failed: ${messageOf(error)}`, error);
}

async function sendStream(call: ApplicationCall, status: number, content: StreamContent): Promise<void> {
  const log = logFailedStop(call);
  const reader = chunkReaderOf(content.source);
  const writer = begin(call, status, content);
  if (writer === undefined) return reader.stop(new Error('The response has no body.'), log);
  try {
    await pump(reader, writer, call.signals);
    writer.end();
  } catch (error) {
    reader.stop(error instanceof Error ? error : new Error(messageOf(error)), log);
    call.exchange.abort(AbortReason.APPLICATION_ERROR);
    throw error;
  }
}

async function pump(reader: ChunkReader, writer: ExchangeWriter, signals: CallSignals): Promise<void> {
  // One handler for all reads: racing each read against one promise would keep all of them in memory.
  let interrupt: (error: Error) => void = () => undefined;
  signals.onAbort((error) => interrupt(error));
  for (;;) {
    const next = await new Promise<Awaited<ReturnType<ChunkReader['next']>>>((resolve, reject) => {
      interrupt = reject;
      reader.next().then(resolve, reject);
    });
    if (next.done === true) return;
    if (next.value !== undefined) await writer.write(next.value);
  }
}

/** Sends the head; gives no writer when there must not be a body. */
function begin(
  call: ApplicationCall,
  status: number,
  content: StreamContent | WriterContent,
): ExchangeWriter | undefined {
  const { exchange, signals } = call;
  exchange.begin(status, fieldsOf(call, content, content.length));
  if (!isBodyless(call, status)) return new ExchangeWriter(exchange, signals, content.length);
  exchange.end();
  return undefined;
}
