import { PorticoError } from '../errors.js';

/** `new → starting → started → stopping → stopped`; any state may become `failed`. */
export type LifecycleState = 'new' | 'starting' | 'started' | 'stopping' | 'stopped' | 'failed';

/** What can be done to a component that starts and stops. */
export type LifecycleVerb = 'start' | 'finish starting' | 'stop' | 'finish stopping' | 'fail';

interface Transition {
  readonly from: readonly LifecycleState[];
  readonly to: LifecycleState;
}

/**
 * The only table of transitions. `stop` is legal while starting, so that a start can be broken off, and after a
 * failure, so that what had been started by then is cleaned up. Nothing starts twice: make a new one.
 */
const LIFECYCLE_TABLE: Readonly<Record<LifecycleVerb, Transition>> = {
  start: { from: ['new'], to: 'starting' },
  'finish starting': { from: ['starting'], to: 'started' },
  stop: { from: ['new', 'starting', 'started', 'failed'], to: 'stopping' },
  'finish stopping': { from: ['stopping'], to: 'stopped' },
  fail: { from: ['new', 'starting', 'started', 'stopping', 'stopped', 'failed'], to: 'failed' },
};

/** State of one component. Owned by the component, changed by it alone. */
export class Lifecycle {
  readonly #component: string;
  #state: LifecycleState = 'new';

  /** `component` names the owner in errors: `supervisor`, `front 1`. */
  constructor(component: string) {
    this.#component = component;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Makes the transition; throws `PORTICO_ILLEGAL_STATE` when the table does not have it. */
  apply(verb: LifecycleVerb): void {
    const transition = LIFECYCLE_TABLE[verb];
    if (!transition.from.includes(this.#state)) throw this.#illegal(verb, transition.from);
    this.#state = transition.to;
  }

  /** Throws `PORTICO_ILLEGAL_STATE` unless started; `action` is what the caller wanted: `launch shop`. */
  requireStarted(action: string): void {
    if (this.#state !== 'started') throw this.#illegal(action, ['started']);
  }

  /** True once stopping has begun or everything is over. */
  get isEnding(): boolean {
    return this.#state === 'stopping' || this.#state === 'stopped' || this.#state === 'failed';
  }

  #illegal(action: string, legal: readonly LifecycleState[]): PorticoError {
    return new PorticoError(
      'PORTICO_ILLEGAL_STATE',
      `Cannot ${action}: ${this.#component} is ${this.#state}. This is possible only when it is ${legal.join(' or ')}.`,
    );
  }
}
