import { statusText } from './status-text.js';

/**
 * Body of an answer the container makes itself: plain text, one line for the status and one for what to know.
 * It never shows a version, a stack or anything the client sent.
 */
export function statusPage(status: number, detail?: string): string {
  const line = `${status} ${statusText(status)}\n`;
  return detail === undefined ? line : `${line}${detail}\n`;
}

/** Content-Type of `statusPage`. */
export const STATUS_PAGE_TYPE = 'text/plain; charset=utf-8';
