import { PorticoError } from '../errors.js';
import type { StartFailureDetail } from './deployment-process.js';

/** A deployment did not start. Code `PORTICO_START_FAILED`; the detail says where and what it printed. */
export class StartFailure extends PorticoError {
  readonly detail: StartFailureDetail;

  constructor(deployment: string, detail: StartFailureDetail, options?: { readonly cause?: unknown }) {
    super(
      'PORTICO_START_FAILED',
      `${deployment} did not start (${detail.step}): ${asSentence(detail.message)} ${ADVICE[detail.step]}`,
      options,
    );
    this.name = 'StartFailure';
    this.detail = detail;
  }
}

/** What an application has said need not end as a sentence does. */
function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

const ADVICE: Readonly<Record<StartFailureDetail['step'], string>> = {
  spawn:
    'Check that the folder of the bundle exists, that the program is there, and that the host may start processes.',
  load: 'Correct the module, then deploy the bundle again.',
  configure: 'Correct the configuration or the module, then deploy the bundle again.',
  start: 'Correct the application, then deploy it again.',
  listen: 'Check the run folder of the host.',
  timeout: 'Make the start faster, or raise servlet.start.timeout.',
  exit: 'See the last output for the reason.',
};
