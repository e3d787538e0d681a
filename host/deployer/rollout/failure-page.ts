import { errorPage, errorText } from '../../engine/error-page/error-answer.js';
import { StartFailure } from '../../supervisor/start-failure.js';
import type { FailurePage, Version } from '../version.js';
import type { RolloutFailure } from './rollout-failure.js';

/**
 * What a developer sees in the browser while an application cannot be started: why, the source around the place, the
 * stack, and what it printed last. Places in the snapshot are shown as places in the bundle itself.
 */
export function failurePage(
  version: Version,
  snapshot: string | undefined,
  failure: RolloutFailure,
): FailurePage {
  const { source } = version.order;
  const inBundle = (text: string): string =>
    snapshot === undefined || source.kind !== 'folder' ? text : text.replaceAll(snapshot, source.path);
  const detail = failure.cause instanceof StartFailure ? failure.cause.detail : undefined;
  const message = inBundle(detail?.message ?? failure.reason);
  const shown = {
    title: `${version.name} could not be started`,
    message,
    stack: withPlace(inBundle(detail?.stack || (failure.stack ?? '')), message),
    output: failure.lastOutput.map(inBundle),
  };
  return { html: errorPage(shown), text: errorText(shown) };
}

/** Of a syntax error the place stands in the message only. */
function withPlace(stack: string, message: string): string {
  const place = /(\/[^\s:]+):(\d+)/.exec(message);
  if (place === null || /^\s+at /m.test(stack)) return stack;
  return `${stack.trimEnd()}\n    at ${place[1]}:${place[2]}:1`;
}
