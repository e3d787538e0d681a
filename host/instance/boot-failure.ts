import { describeThrown } from '../engine/modules/thrown.js';
import { messageOf, PorticoError } from '../errors.js';
import type { AgentReport, BootStep } from './messages.js';

/** Why an application did not start: the step, a stable code, and what its developer must know. */
export class BootFailure extends PorticoError {
  readonly step: BootStep;

  constructor(step: BootStep, code: string, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
    this.name = 'BootFailure';
    this.step = step;
  }
}

/** Told by a loader what it waits for; said when the start deadline passes or the process runs out of work. */
export interface BootProgress {
  waitsFor(failure: BootFailure): void;
}

/**
 * The report for anything thrown on the way to `ready`. The stack is that of the innermost cause, with the frames of
 * Node and of the agent left out. Never throws, whatever `thrown` is: null, a proxy, an object without a prototype.
 */
export function failureReport(thrown: unknown, step: BootStep): AgentReport & { readonly type: 'failed' } {
  const isOurs = isPorticoError(thrown);
  return {
    type: 'failed',
    step: isOurs && thrown instanceof BootFailure ? thrown.step : step,
    code: codeOf(thrown),
    message: shortened(messageOf(thrown), 4000),
    stack: shortened(cleanStack(isOurs && thrown.cause !== undefined ? thrown.cause : thrown), 16_000),
  };
}

/** The stack of an error without lines of Node's and the agent's own code, which say nothing to the developer. */
function cleanStack(thrown: unknown): string {
  let stack: unknown;
  try {
    stack = thrown instanceof Error ? thrown.stack : undefined;
  } catch {
    stack = undefined;
  }
  if (typeof stack !== 'string') return describeThrown(thrown);
  return stack
    .split('\n')
    .filter((line) => !(/^\s+at /.test(line) && HIDDEN.some((part) => line.includes(part))))
    .join('\n');
}

function isPorticoError(thrown: unknown): thrown is PorticoError {
  try {
    return thrown instanceof PorticoError;
  } catch {
    return false;
  }
}

function codeOf(thrown: unknown): string {
  try {
    if (thrown instanceof PorticoError) return thrown.code;
  } catch {
    // A proxy that does not want to be looked at is no error of ours.
  }
  return 'PORTICO_APPLICATION_FAILED';
}

const HIDDEN = [
  'node:',
  new URL('.', import.meta.url).pathname,
  new URL('../engine/modules/', import.meta.url).pathname,
];

function shortened(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}
