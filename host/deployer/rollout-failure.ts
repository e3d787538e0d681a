import { relative } from 'node:path';
import { messageOf, PorticoError } from '../errors.js';
import type { StartFailureDetail } from '../supervisor/deployment-process.js';

/** Where a rollout failed: `unpack` and `manifest` here, the others as the supervisor names them. */
export type RolloutStep = 'unpack' | 'manifest' | StartFailureDetail['step'] | 'swap' | 'run';

/** Why a version could not be brought to serve. Code `PORTICO_START_FAILED`, the cause is the original error. */
export class RolloutFailure extends PorticoError {
  readonly step: RolloutStep;
  /** `load: Unexpected token (server.js:3)`; one line, for status and for the 503. */
  readonly reason: string;
  /** Last lines the application printed. */
  readonly lastOutput: readonly string[];

  constructor(name: string, step: RolloutStep, cause: unknown, folder?: string) {
    const detail = detailOf(cause);
    const place = detail === undefined ? undefined : placeOf(detail.stack, folder);
    const what = firstLine(detail?.message ?? messageOf(cause));
    const reason = `${detail?.step ?? step}: ${what}${place === undefined ? '' : ` (${place})`}`;
    super('PORTICO_START_FAILED', `${name} could not be deployed: ${reason}`, { cause });
    this.name = 'RolloutFailure';
    this.step = detail?.step ?? step;
    this.reason = reason;
    this.lastOutput = detail?.lastOutput ?? [];
  }
}

/** The supervisor's StartFailure carries one. */
function detailOf(error: unknown): StartFailureDetail | undefined {
  if (!(error instanceof Error) || !('detail' in error)) return undefined;
  const { detail } = error;
  const isDetail = typeof detail === 'object' && detail !== null && 'step' in detail && 'stack' in detail;
  return isDetail ? (detail as StartFailureDetail) : undefined;
}

/** First place in the stack that lies in the bundle: `dist/shop.js:12`. */
function placeOf(stack: string, folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  for (const [, path, line] of stack.matchAll(/(?:file:\/\/)?(\/[^\s():]+):(\d+)/g)) {
    if (path?.startsWith(`${folder}/`)) return `${relative(folder, path)}:${line}`;
  }
  return undefined;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
