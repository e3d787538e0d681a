import { resolve } from 'node:path';
import type { Application } from '../application/application.js';
import type { ScheduledRun } from '../application/scheduled-run.js';
import { property } from '../engine/modules/exported-value.js';
import { loadFunction } from '../engine/modules/named-function.js';
import { describeThrown } from '../engine/modules/thrown.js';
import type { AgentReport, BootPlan, FunctionCall } from './messages.js';

/** What functions are called with. */
export interface ScheduledFunctionsParts {
  readonly plan: Pick<BootPlan, 'folder' | 'entry'>;
  /** Of the framework; undefined for any other. */
  readonly application: () => Application | undefined;
  readonly send: (report: AgentReport) => void;
}

/** Of a result or an error, in characters. */
const MAX_TEXT = 1000;

/**
 * The functions of the application that the host calls by the clock. Each call has one report, also when the function throws;
 * when the process ends first, the host knows by that. Owned by the agent.
 */
export class ScheduledFunctions {
  readonly #parts: ScheduledFunctionsParts;
  readonly #running = new Map<number, { readonly call: FunctionCall; readonly end: AbortController }>();

  constructor(parts: ScheduledFunctionsParts) {
    this.#parts = parts;
  }

  /** Calls that are not over, those among them whose time is. */
  get running(): number {
    return this.#running.size;
  }

  /** Never rejects. */
  async run(call: FunctionCall): Promise<void> {
    const { id, job } = call;
    const report = (isDone: boolean, text: string): void =>
      this.#parts.send({ type: 'function-ended', id, isDone, text: text.slice(0, MAX_TEXT) });
    const before = call.mayOverlap ? undefined : this.#unfinished(job);
    if (before !== undefined) {
      report(false, `run ${before.number} was told to end when its time was over, and goes on`);
      return;
    }
    const end = new AbortController();
    this.#running.set(id, { call, end });
    try {
      const work = await this.#function(call);
      const run = { job, number: call.number, signal: end.signal, application: this.#parts.application() };
      report(true, textOf(await work(run as ScheduledRun)));
    } catch (thrown) {
      const message = describeThrown(thrown);
      // The stack is for the developer, in what the application prints; not what else the error holds.
      console.error('job %s, run %d failed: %s', job, call.number, stackOf(thrown) ?? message);
      report(false, message);
    } finally {
      this.#running.delete(id);
    }
  }

  /** Its time is over; undefined: that of all is. */
  end(id?: number): void {
    for (const [each, { call, end }] of this.#running) {
      if (id === undefined) end.abort(new Error(`job ${call.job} is to end: its process stops`));
      else if (id === each) end.abort(new Error(`job ${call.job} is to end: its time is over`));
    }
  }

  #unfinished(job: string): FunctionCall | undefined {
    for (const { call } of this.#running.values()) if (call.job === job) return call;
    return undefined;
  }

  async #function({ name, module }: FunctionCall): Promise<(run: ScheduledRun) => unknown> {
    const { folder, entry } = this.#parts.plan;
    const main = entry.kind === 'main' ? entry.main : undefined;
    const files = module !== undefined ? [module] : entry.kind === 'main' ? [entry.main] : filesOf(entry);
    for (const [index, file] of files.entries()) {
      const isMain = main !== undefined && resolve(folder, file) === main;
      const isLast = index === files.length - 1;
      const found = await loadFunction(folder, `${file}#${name}`, {
        isMain,
        isOptional: !isLast,
        what: WHAT,
      });
      if (found !== undefined) return found as (run: ScheduledRun) => unknown;
    }
    throw new Error(`the application has no module that could export ${name}`);
  }
}

const WHAT = { noun: 'job', advice: 'A job is a function that gets the run.' };

/** Files of the modules of an application, each once. */
function filesOf({ modules }: Extract<BootPlan['entry'], { kind: 'modules' }>): string[] {
  return [...new Set(modules.map((module) => module.split('#')[0] ?? ''))];
}

function stackOf(thrown: unknown): string | undefined {
  const stack = property(thrown, 'stack');
  return typeof stack === 'string' ? stack : undefined;
}

/** What a function gave, for a line of the history; `''` for nothing, and for what has no text. */
function textOf(result: unknown): string {
  if (result === undefined || result === null) return '';
  if (typeof result !== 'object') return typeof result === 'function' ? '' : String(result);
  try {
    return JSON.stringify(result) ?? '';
  } catch {
    // A cycle, or a getter that throws: the job itself is done.
    return '';
  }
}
