import { countOf, drainText, hadOpen, NOTHING_OPEN } from '../front/drains/drain-report.js';
import type { ServerLog } from '../log/server-log.js';

/**
 * The last line of a host: whether it ended in order, and how everything ended that was open. What each application had
 * stands above it.
 */
export function logEnd(log: ServerLog, isClean: boolean, drained = NOTHING_OPEN): void {
  const cut = countOf(drained.cut);
  const end = isClean || cut > 0 ? 'stopped' : 'stopped; something had to be cut';
  const fields = { event: 'stopped', isClean, ...(hadOpen(drained) ? { drained } : {}) };
  const text = hadOpen(drained) ? `${end}; ${drainText(drained)}` : end;
  if (isClean && cut === 0) log.info(fields, text);
  else log.warn(fields, text);
}
