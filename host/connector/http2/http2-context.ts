import type { ServerOptions } from 'node:http2';
import type { ConnectorLimits } from '../../config/connector-limits.js';
import type { Http2Settings } from '../../config/http2-settings.js';
import type { ExchangeHandler } from '../../exchange/exchange.js';
import type { ListenerClock, ServedConnection } from '../connection-context.js';
import type { ConnectorObserver } from '../connector-observer.js';
import type { Waiver } from '../waiver.js';
import type { RequestHeadReader } from './request-head.js';
import type { ResponseFields } from './response-fields.js';

/** What all HTTP/2 connections of one listener share. The listener owns it. */
export interface Http2Context extends ListenerClock {
  readonly limits: ConnectorLimits;
  readonly settings: Http2Settings;
  /** For `node:http2`. */
  readonly options: ServerOptions;
  readonly handler: ExchangeHandler;
  readonly observer: ConnectorObserver;
  readonly waives: Waiver | undefined;
  readonly headReader: RequestHeadReader;
  readonly responseFields: ResponseFields;
  /** The connection has closed. */
  forget(connection: ServedConnection): void;
}
