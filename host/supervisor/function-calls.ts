import { PorticoError } from '../errors.js';
import type { AgentCommand, AgentReport, FunctionCall } from '../instance/messages.js';

/** A function of an application that is to be called in one of its processes. */
export interface FunctionOrder extends Omit<FunctionCall, 'id'> {
  /** Longest wait for its end. */
  readonly timeoutMs: number;
}

/** The calls of functions in one process that are not over. Owned by the process. */
export class FunctionCalls {
  readonly #send: (command: AgentCommand) => void;
  readonly #open = new Map<number, (outcome: string | PorticoError) => void>();
  #serial = 0;

  constructor(send: (command: AgentCommand) => void) {
    this.#send = send;
  }

  /** Resolves with what the function gave, as text. Rejects with `PORTICO_JOB_FAILED`; then it is not called again. */
  call({ timeoutMs, ...order }: FunctionOrder): Promise<string> {
    this.#serial += 1;
    const id = this.#serial;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#send({ type: 'end-function', id });
        this.#settle(id, failed('it was not over when its time was'));
      }, timeoutMs);
      this.#open.set(id, (outcome) => {
        clearTimeout(timer);
        if (typeof outcome === 'string') resolve(outcome);
        else reject(outcome);
      });
      this.#send({ type: 'call-function', call: { ...order, id } });
    });
  }

  ended({ id, isDone, text }: Extract<AgentReport, { type: 'function-ended' }>): void {
    this.#settle(id, isDone ? text : failed(text));
  }

  /** The process is over; `reason` continues "the process …". */
  lost(reason: string): void {
    for (const id of this.#open.keys()) this.#settle(id, failed(`the process ${reason} while it ran`));
  }

  #settle(id: number, outcome: string | PorticoError): void {
    const settle = this.#open.get(id);
    this.#open.delete(id);
    settle?.(outcome);
  }
}

function failed(message: string): PorticoError {
  return new PorticoError('PORTICO_JOB_FAILED', message);
}
