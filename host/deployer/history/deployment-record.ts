import { z } from 'zod';
import { DEPLOYMENT_STEPS, type DeploymentStep } from './deployment-steps.js';

const stepSchema = z.object({
  step: z.enum(DEPLOYMENT_STEPS as [DeploymentStep, ...DeploymentStep[]]),
  /** When it was reached, ISO 8601. */
  at: z.string(),
  /** Milliseconds since the step before; 0 for the first. */
  ms: z.number(),
});

const drainCounts = z.object({ request: z.number(), stream: z.number(), tunnel: z.number() });

/** A `DrainReport`. */
const drainSchema = z.object({
  finished: drainCounts,
  left: drainCounts,
  cut: drainCounts,
  cuts: z
    .array(
      z.object({
        kind: z.enum(['request', 'stream', 'tunnel']),
        method: z.string(),
        path: z.string(),
        ageMs: z.number(),
      }),
    )
    .readonly(),
});

const factsSchema = z.object({
  /** Why the deployment began. */
  trigger: z.enum(['files', 'start', 'reload', 'rollback', 'return']),
  /** Of the content. */
  fingerprint: z.string().optional(),
  /** Fingerprint and descriptor in one; equal keys are equal deployments. */
  key: z.string().optional(),
  /** Hash of the operator's descriptor it was deployed with. */
  descriptor: z.string().optional(),
  /** Id of the deployment in routes and logs, from `starting` on. */
  deployment: z.string().optional(),
  /** How many contents the application keeps, by its settings. */
  history: z.number().optional(),
  /** Why it failed, was ended early, or was returned from. */
  cause: z.string().optional(),
  /** What became of what it had open when it drained; absent: nothing was, as far as is known. */
  drained: drainSchema.optional(),
});

/** What is known of one deployment besides its steps. */
export type DeploymentFacts = z.output<typeof factsSchema>;

/** One deployment of one application, finished or not. */
const recordSchema = factsSchema.extend({
  /** Base name with version: `shop##2`. */
  name: z.string(),
  /** Counts up from 1 for each name. */
  number: z.number().int().min(1),
  /** At least one, oldest first. */
  steps: z.array(stepSchema),
});

export type DeploymentRecord = z.output<typeof recordSchema>;

/** A content that served, by what it is made of. */
export interface KeptContent {
  readonly fingerprint: string;
  readonly key: string;
  readonly descriptor?: string | undefined;
}

/** A line of the journal. */
export const lineSchema = z.discriminatedUnion('kind', [
  /** The whole of a record, as it was when the journal was last made compact. */
  recordSchema.extend({ kind: z.literal('record') }),
  /** One step more of it; facts that were not known before come with it. */
  factsSchema
    .partial()
    .extend({ kind: z.literal('step'), name: z.string(), number: z.number().int().min(1) })
    .extend(stepSchema.shape),
  /** It came to nothing worth keeping: the files had not changed. */
  z.object({ kind: z.literal('drop'), name: z.string(), number: z.number().int().min(1) }),
]);

export type JournalLine = z.output<typeof lineSchema>;

/** How far it has come. */
export function stepOf({ steps }: Pick<DeploymentRecord, 'steps'>): DeploymentStep | undefined {
  return steps.at(-1)?.step;
}

/** Whether it ever served. */
export function hasServed({ steps }: DeploymentRecord): boolean {
  return steps.some(({ step }) => step === 'serving');
}

/** The records after one line more; lines of records that are not known are ignored. */
export function applyLine(records: Map<string, DeploymentRecord[]>, line: JournalLine): void {
  const { kind, name, number } = line;
  const ofName = records.get(name) ?? [];
  const index = ofName.findIndex((record) => record.number === number);
  if (kind === 'drop') {
    if (index >= 0) ofName.splice(index, 1);
  } else if (kind === 'record') {
    const { kind: _, ...record } = line;
    if (index < 0) ofName.push(record);
    else ofName[index] = record;
  } else {
    const { kind: _, step, at, ms, trigger, ...facts } = line;
    const before = ofName[index];
    if (before === undefined && trigger === undefined) return;
    const steps = [...(before?.steps ?? []), { step, at, ms }];
    const record = { ...before, ...facts, trigger: trigger ?? before?.trigger ?? 'files', steps };
    if (index < 0) ofName.push(record);
    else ofName[index] = record;
  }
  if (ofName.length === 0) records.delete(name);
  else records.set(name, ofName);
}
