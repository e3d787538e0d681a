import type { ApplicationEnvironment } from '../../application/environment.js';
import type { Exchange } from '../../exchange/exchange.js';
import { STATUS_PAGE_TYPE, statusPage } from '../../http/status-page.js';
import { errorAnswer } from '../error-page/error-answer.js';

/** Answers a request while there is no application because its last reload has failed: 500, with the reason for the developer. */
export function answerReloadFailure(
  exchange: Exchange,
  failure: unknown,
  { developmentMode }: ApplicationEnvironment,
): void {
  if (!developmentMode) {
    exchange.respond(500, ['Content-Type', STATUS_PAGE_TYPE], statusPage(500));
    return;
  }
  const { contentType, body } = errorAnswer(failure, exchange.head, 'The application could not be reloaded');
  exchange.respond(500, ['Content-Type', contentType, 'Cache-Control', 'no-store'], body);
}
