import { Readable } from 'node:stream';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline, ApplicationReceivePipeline } from '../application/call-pipelines.js';
import { ReceiveType } from '../application/receive-type.js';
import { RequestBody } from '../application/request-body.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import { checkNumber } from '../plugin/check-option.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { BeforeSetup } from '../plugin/hooks.js';
import { BodyCache } from './double-receive/body-cache.js';

/** Options of `DoubleReceive`. */
export class DoubleReceiveConfig {
  /**
   * Keeps the bytes, so that a body can be received as anything, also as a stream. With false only the values are kept:
   * a type that was received can be received again, another one cannot. Default true.
   */
  cacheRawRequest = true;
  /** A larger body goes to a temporary file, which has no name any more. Default 1 MiB. */
  maxMemoryBytes: number = 1024 * 1024;
  /** A larger body is not kept and can be received once. Default 50 MiB. */
  maxBytes: number = 50 * 1024 * 1024;
  readonly #exclusions: ((call: ApplicationCall) => boolean)[] = [];

  /** Bodies of calls that are picked here are not kept. Several: any of them. */
  excludeFromCache(exclusion: (call: ApplicationCall) => boolean): void {
    this.#exclusions.push(exclusion);
  }

  /** Is the body of this call to be kept? */
  caches(call: ApplicationCall): boolean {
    return !this.#exclusions.some((excludes) => excludes(call));
  }
}

/** What is kept for one call. */
interface Received {
  readonly values: Map<ReceiveType<unknown>, unknown>;
  /** What was read of the body; undefined before. */
  raw: BodyCache | undefined;
  /** All of it is there. */
  isComplete: boolean;
}

const RECEIVED = new AttributeKey<Received>('DoubleReceive.received');
/** Behind everything that replaces the bytes, such as decoding, whatever the order of installation. */
const KeepBytes = new PipelinePhase('KeepBytes');

/**
 * Plugin: lets a body be received more than once, for example by a validator and by the handler. What is kept is let go
 * when the call is over.
 *
 * ```ts
 * application.install(DoubleReceive, (config) => {
 *   config.maxBytes = 5 * 1024 * 1024;
 *   config.excludeFromCache((call) => call.localPath.startsWith('/uploads/'));
 * });
 * ```
 */
export const DoubleReceive: RouteScopedPlugin<DoubleReceiveConfig, void> = createRouteScopedPlugin(
  'DoubleReceive',
  {
    createConfig: () => new DoubleReceiveConfig(),
    install({ config, pipeline }) {
      checkNumber('DoubleReceive: maxMemoryBytes', config.maxMemoryBytes, 0);
      checkNumber('DoubleReceive: maxBytes', config.maxBytes, 0);
      pipeline.insertPhaseBefore(ApplicationCallPipeline.Setup, BeforeSetup);
      pipeline.intercept(BeforeSetup, (run) => {
        const { call } = run;
        const result = run.proceed();
        return isPromiseLike(result) ? finallyDispose(call, result) : undefined;
      });
      const { receivePipeline } = pipeline;
      receivePipeline.insertPhaseAfter(ApplicationReceivePipeline.Before, KeepBytes);
      receivePipeline.intercept(KeepBytes, async (run, subject) => {
        const { call } = run;
        if (!(subject instanceof RequestBody) || !config.caches(call)) return;
        const received = receivedBy(call);
        if (received.values.has(call.receiveType)) {
          run.subject = received.values.get(call.receiveType);
          // It has gone through the rest already.
          run.finish();
        } else if (config.cacheRawRequest) run.subject = await replayed(call, subject, config);
      });
      receivePipeline.intercept(ApplicationReceivePipeline.After, ({ call }, value) => {
        if (value instanceof RequestBody || value instanceof Readable || !config.caches(call)) return;
        receivedBy(call).values.set(call.receiveType, value);
      });
    },
  },
);

function receivedBy(call: ApplicationCall): Received {
  return call.attributes.computeIfAbsent(RECEIVED, () => ({
    values: new Map(),
    raw: undefined,
    isComplete: false,
  }));
}

/** The body to read now: from what is kept; the first time it is kept before. */
async function replayed(
  call: ApplicationCall,
  body: RequestBody,
  { maxBytes, maxMemoryBytes }: DoubleReceiveConfig,
): Promise<RequestBody> {
  const received = receivedBy(call);
  if (received.raw === undefined) {
    if (body.isClaimed || (body.length ?? 0) > longest(call, maxBytes)) return body;
    received.raw = new BodyCache(maxMemoryBytes);
    const rest = await received.raw.fill(body.stream(), maxBytes);
    // Larger, which nobody could know: once only.
    if (rest !== undefined) return RequestBody.of(received.raw.followedBy(rest), body.length);
    received.isComplete = true;
  }
  return received.isComplete ? RequestBody.of(received.raw.chunks(), received.raw.length) : body;
}

/** What is too long for the handler is refused before it is kept. */
function longest({ receiveType, receiveLimit }: ApplicationCall, maxBytes: number): number {
  return receiveType === ReceiveType.STREAM ? maxBytes : Math.min(maxBytes, receiveLimit);
}

async function finallyDispose(call: ApplicationCall, result: PromiseLike<unknown>): Promise<void> {
  try {
    await result;
    // An answer may still be reading from what is kept.
    await call.answering;
  } finally {
    await call.attributes.getOrNull(RECEIVED)?.raw?.dispose();
  }
}
