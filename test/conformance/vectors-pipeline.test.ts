import { describe, expect, it } from '@jest/globals';
import { PorticoError } from '#host/errors.js';
import { InvalidPhaseError } from '#host/pipeline/invalid-phase-error.js';
import { Pipeline } from '#host/pipeline/pipeline.js';
import type { Interceptor, PipelineContext } from '#host/pipeline/pipeline-context.js';
import { PipelinePhase } from '#host/pipeline/pipeline-phase.js';
import { readVectors } from '#test/support/vectors.js';

type Body = readonly (readonly [string, ...unknown[]])[];
interface Operation {
  readonly op: string;
  readonly id: string;
  readonly pipeline: string;
  readonly phases: readonly string[];
  readonly phase: string;
  readonly reference: string;
  readonly body: Body;
  readonly into: string;
  readonly from: string;
  readonly value: boolean;
  readonly error: string;
  readonly step: Operation;
  readonly subject: string;
  readonly expect: { readonly events: readonly string[]; readonly result?: string; readonly error?: string };
}
type TestPipeline = Pipeline<string, World>;

class KindError extends PorticoError {}

/** Named pipelines and phases of one case, and what its interceptors logged. */
class World {
  readonly #pipelines = new Map<string, TestPipeline>();
  readonly #phases = new Map<string, PipelinePhase>();
  events: string[] = [];

  phase(name: string): PipelinePhase {
    const known = this.#phases.get(name) ?? new PipelinePhase(name.replace(/#.*$/, ''));
    this.#phases.set(name, known);
    return known;
  }

  nameOf(phase: PipelinePhase): string | undefined {
    return [...this.#phases].find(([, one]) => one === phase)?.[0];
  }

  pipeline(id: string): TestPipeline {
    const pipeline = this.#pipelines.get(id);
    if (pipeline === undefined) throw new Error(`no pipeline ${id}`);
    return pipeline;
  }

  async run(operation: Operation): Promise<void> {
    switch (operation.op) {
      case 'pipeline':
        this.#pipelines.set(operation.id, new Pipeline(operation.phases.map((name) => this.phase(name))));
        return;
      case 'addPhase':
        return this.pipeline(operation.pipeline).addPhase(this.phase(operation.phase));
      case 'insertPhaseAfter':
      case 'insertPhaseBefore':
        return this.pipeline(operation.pipeline)[operation.op](
          this.phase(operation.reference),
          this.phase(operation.phase),
        );
      case 'intercept':
        return this.pipeline(operation.pipeline).intercept(
          this.phase(operation.phase),
          interceptor(operation.body),
        );
      case 'merge':
        return this.pipeline(operation.into).merge(this.pipeline(operation.from));
      case 'expectPhases':
        expect(this.pipeline(operation.pipeline).items.map((phase) => this.nameOf(phase))).toEqual(
          operation.phases,
        );
        return;
      case 'expectEmpty':
        expect(this.pipeline(operation.pipeline).isEmpty).toBe(operation.value);
        return;
      case 'expectError':
        expect(operation.error).toBe('InvalidPhase');
        await expect(this.run(operation.step)).rejects.toBeInstanceOf(InvalidPhaseError);
        return;
      case 'execute':
        return this.#execute(operation);
      default:
        throw new Error(`unknown operation ${operation.op}`);
    }
  }

  async #execute({ pipeline, subject, expect: expected }: Operation): Promise<void> {
    this.events = [];
    let result: string | undefined;
    let error: unknown;
    try {
      result = await this.pipeline(pipeline).execute(this, subject);
    } catch (thrown) {
      error = thrown;
    }
    expect(this.events).toEqual(expected.events);
    if (expected.error === undefined) expect(error).toBeUndefined();
    else expect((error as KindError).code).toBe(expected.error);
    if (expected.result !== undefined) expect(result).toBe(expected.result);
  }
}

type Run = PipelineContext<string, World>;

/** Synchronous as long as the steps are, so that both ways of executing are tested. */
function interceptor(body: Body): Interceptor<string, World> {
  const isSynchronous = body.every(([step]) => ['log', 'setSubject', 'finish', 'throw'].includes(step));
  return isSynchronous
    ? (run, subject) => {
        for (const step of body) simpleStep(run, subject, step);
      }
    : (run, subject) => steps(run, subject, body, undefined);
}

function simpleStep(run: Run, subject: string, [step, argument]: readonly [string, ...unknown[]]): void {
  if (step === 'log')
    run.context.events.push(String(argument).replace('{subject}', subject).replace('{current}', run.subject));
  else if (step === 'setSubject') run.subject = String(argument);
  else if (step === 'finish') run.finish();
  else if (step === 'throw') throw new KindError(String(argument), 'thrown by the case');
  else throw new Error(`unknown step ${step}`);
}

async function steps(run: Run, subject: string, body: Body, caught: unknown): Promise<void> {
  for (const step of body) {
    switch (step[0]) {
      case 'proceed':
        await run.proceed();
        break;
      case 'proceedWith':
        await run.proceedWith(String(step[1]));
        break;
      case 'rethrow':
        throw caught;
      case 'await':
        await new Promise((resolve) => setImmediate(resolve));
        break;
      case 'execute':
        await run.context.pipeline(String(step[1])).execute(run.context, String(step[2]));
        break;
      case 'try':
        try {
          await steps(run, subject, step[1] as Body, caught);
        } catch (thrown) {
          if (step[2] === null || step[2] === undefined) throw thrown;
          await steps(run, subject, step[2] as Body, thrown);
        } finally {
          await steps(run, subject, (step[3] ?? []) as Body, caught);
        }
        break;
      default:
        simpleStep(run, subject, step);
    }
  }
}

describe('vectors pipeline-order', () => {
  const { cases } = readVectors<{ cases: { name: string; ops: Operation[] }[] }>('pipeline-order');
  it.each(cases)('$name', async ({ ops }) => {
    const world = new World();
    for (const operation of ops) await world.run(operation);
  });
});
