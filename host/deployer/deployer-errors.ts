import { quotedName } from '../bundle/quoted-name.js';
import { PorticoError } from '../errors.js';

/** Two commands for one application at the same time; the second is refused, not queued. */
export function busy(name: string): PorticoError {
  return new PorticoError(
    'PORTICO_APPLICATION_BUSY',
    `${name} is being worked on at the moment; try again when that is over`,
  );
}

export function unknownApplication(name: string): PorticoError {
  return new PorticoError(
    'PORTICO_APPLICATION_UNKNOWN',
    `there is no application ${quotedName(name)}; "portico list" shows what there is`,
  );
}

/** A start by hand that did not end in a running application. The detail is shown by the admin API. */
export class NotStartedError extends PorticoError {
  readonly detail: { readonly lastOutput: readonly string[] };

  constructor(name: string, why: string, lastOutput: readonly string[], cause?: unknown) {
    super('PORTICO_START_FAILED', `${name} did not start: ${why}`, { cause });
    this.detail = { lastOutput };
  }
}
