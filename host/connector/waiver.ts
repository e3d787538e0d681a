import type { RequestSettings } from '../config/request-settings.js';
import type { RequestHead } from '../exchange/exchange.js';
import type { RefusalReason } from './refusal.js';
import type { RequestTarget } from './request-target.js';

/**
 * Two rules hold for every request, unless whoever answers for it wants to do so himself: percent-escapes in the path
 * are whole (else 400), and the method is not TRACE (else 405).
 */
export type WaivableRule = 'malformed-escapes' | 'trace';

/**
 * Whether the rule is waived for this request; its path has the malformed escapes as they were sent. Called before
 * there is an exchange, only for requests that break a rule. With false the request is refused as if nobody had been asked.
 */
export type Waiver = (rule: WaivableRule, head: RequestHead) => boolean;

/** The waiver of an application that has a connector of its own; undefined when it waives nothing. */
export function waiverOf({ malformedEscapes, trace }: RequestSettings): Waiver | undefined {
  if (malformedEscapes === 'refuse' && trace === 'refuse') return undefined;
  return (rule) => (rule === 'trace' ? trace : malformedEscapes) === 'pass';
}

/**
 * Judges a request that is sound but for these rules, or whose target was refused with `refusal`: gives the head to go on
 * with, or the reason to refuse it. `headOf` makes the head of what `target` holds then.
 */
export function judgeContested<Head extends RequestHead>(
  waives: Waiver | undefined,
  target: RequestTarget,
  isTrace: boolean,
  refusal: RefusalReason | undefined,
  headOf: () => Head,
): Head | RefusalReason {
  // The method comes first in a request, and so in the answer.
  const reason = isTrace ? 'method-not-allowed' : (refusal ?? 'bad-target');
  const isMalformed = refusal !== undefined;
  if (isMalformed) {
    if (target.malformedPath === undefined) return reason;
    target.path = target.malformedPath;
  }
  const head = headOf();
  const isWaived = (rule: WaivableRule) => waives?.(rule, head) === true;
  if (isTrace && !isWaived('trace')) return reason;
  if (isMalformed && !isWaived('malformed-escapes')) return reason;
  return head;
}
