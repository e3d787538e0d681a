import type { InstanceAddress } from '../front/messages.js';
import type { ApplicationKind } from '../instance/messages.js';
import type { Departure } from '../lifecycle/departure.js';
import type { FunctionOrder } from './function-calls.js';
import type { InstanceEnd, InstanceStats } from './instance-end.js';

/**
 * What a slot needs of the process in it, whether an agent runs in it (`InstanceProcess`) or any other program
 * (`CommandProcess`). Begins to start when it is made; owned by the slot.
 */
export interface SlotProcess {
  /** True when ready; false when it ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves when the process, its group and its output are over. */
  readonly gone: Promise<InstanceEnd>;
  /** Where it takes requests once it is ready. */
  readonly address: InstanceAddress;
  readonly startedAt: string;
  readonly pid: number | undefined;
  /** Last measured; undefined before, and where nothing can be measured. */
  readonly stats: InstanceStats | undefined;
  /** What the agent found; undefined without one, and before it is ready. */
  readonly kind: ApplicationKind | undefined;
  /** It waited as a spare before it got its application. Absent: never. */
  readonly isFromSpare?: boolean;
  /** The system holds it to its share of the processors. */
  readonly isCpuHeld?: boolean;
  /** It does not answer, and is being looked at before it is killed. */
  readonly isHung?: boolean;
  /** True from its exit on; `gone` follows when its output is read. */
  readonly hasExited: boolean;
  /** Nothing new will come, and why; said once or more often, at any time. */
  prepareStop(departure: Departure): void;
  /** Calls a function of the application that runs in it; absent where none can be called. Rejects with `PORTICO_JOB_FAILED`. */
  runFunction?(order: FunctionOrder): Promise<string>;
  /** Asks it to stop and resolves when it is gone, by SIGKILL after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Ends the process and its group now; `reason` continues "the process …". */
  kill(reason: string): void;
}
