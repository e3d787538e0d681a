import type { ExchangeResult, RefusalReason, RefusedRequest } from '../connector/http1-listener.js';
import type { ConnectionInfo, Exchange } from '../exchange/exchange.js';
import { currentSecondMs } from '../http/current-second.js';
import { type AccessLogFormat, combinedFormat, jsonFormat, MAX_LINE_BYTES } from './access-log-format.js';
import { LogWriter } from './log-writer.js';
import type { AccessLogSettings } from './messages.js';
import { combinedRefusalFormat, jsonRefusalFormat, type RefusalLogFormat } from './refusal-log-format.js';

/**
 * The access log of one front: `access.log` in the log folder, one line for each finished exchange and for each request
 * that was refused before it became one, in the combined format or as JSON. A request costs the copying of some two
 * hundred bytes; writing and rotating happen later, in batches.
 */
export class AccessLog {
  readonly #format: AccessLogFormat;
  readonly #refusalFormat: RefusalLogFormat;
  readonly #writer: LogWriter;

  /** `onDropped` hears of lines that were lost because the disk did not keep up. */
  constructor(settings: AccessLogSettings, onDropped: (lines: number) => void) {
    this.#format = settings.format === 'json' ? jsonFormat() : combinedFormat();
    this.#refusalFormat = settings.format === 'json' ? jsonRefusalFormat() : combinedRefusalFormat();
    this.#writer = new LogWriter({ ...settings, fileName: 'access.log' }, onDropped);
  }

  record(
    exchange: Exchange,
    result: ExchangeResult,
    context: string,
    application: string,
    applicationVersion: string,
  ): void {
    const line = this.#writer.reserve(MAX_LINE_BYTES);
    if (line === undefined) return;
    this.#format(line, exchange, result, context, application, applicationVersion, currentSecondMs());
    this.#writer.commit();
  }

  recordRefused(
    reason: RefusalReason,
    status: number,
    connection: ConnectionInfo,
    request: RefusedRequest,
  ): void {
    const line = this.#writer.reserve(MAX_LINE_BYTES);
    if (line === undefined) return;
    const refusal = { reason, status, remoteAddress: connection.remoteAddress, ...request };
    this.#refusalFormat(line, refusal, currentSecondMs());
    this.#writer.commit();
  }

  /** Writes what is left. Resolves at the latest after `deadlineMs`. */
  close(deadlineMs: number): Promise<void> {
    return this.#writer.close(deadlineMs);
  }
}
