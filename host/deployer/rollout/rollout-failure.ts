import { relative } from 'node:path';
import { messageOf, PorticoError } from '../../errors.js';
import type { StartFailureDetail } from '../../supervisor/deployment-process.js';
import { StartFailure } from '../../supervisor/start-failure.js';

/** Where a rollout failed: `read`, `unpack` and `manifest` here, the others as the supervisor names them. */
export type RolloutStep =
  | 'read'
  | 'unpack'
  | 'manifest'
  | 'dependencies'
  | StartFailureDetail['step']
  | 'health'
  | 'swap'
  | 'probation'
  | 'run';

/** Why a version could not be brought to serve. Code `PORTICO_START_FAILED`, the cause is the original error. */
export class RolloutFailure extends PorticoError {
  readonly step: RolloutStep;
  /** `load: Unexpected token (server.js:3)`; one line, for status and for the 503. */
  readonly reason: string;
  /** Last lines the application printed. */
  readonly lastOutput: readonly string[];

  constructor(name: string, step: RolloutStep, cause: unknown, folder?: string) {
    const detail = cause instanceof StartFailure ? cause.detail : undefined;
    const base = detail?.folder ?? folder;
    const place = detail === undefined ? undefined : placeOf(detail.stack, base);
    const what = shortened(firstLine(detail?.message ?? messageOf(cause)), base);
    const reason = `${detail?.step ?? step}: ${what}${place === undefined ? '' : ` (${place})`}`;
    // What fails at run has been deployed long ago.
    const outcome = step === 'run' ? 'was given up' : 'could not be deployed';
    super('PORTICO_START_FAILED', `${name} ${outcome}: ${reason}`, { cause });
    this.name = 'RolloutFailure';
    this.step = detail?.step ?? step;
    this.reason = reason;
    this.lastOutput = detail?.lastOutput ?? [];
  }
}

/** First place in the stack that lies in the bundle: `dist/shop.js:12`. */
function placeOf(stack: string, folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  for (const [, path, line] of stack.matchAll(/(?:file:\/\/)?(\/[^\s():]+):(\d+)/g)) {
    if (path?.startsWith(`${folder}/`)) return `${relative(folder, path)}:${line}`;
  }
  return undefined;
}

/** Places within the bundle without the long name of its folder in the store. */
function shortened(text: string, folder: string | undefined): string {
  return folder === undefined ? text : text.replaceAll(`file://${folder}/`, '').replaceAll(`${folder}/`, '');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
