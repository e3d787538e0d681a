import { readFile } from 'node:fs/promises';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationSendPipeline } from '../application/call-pipelines.js';
import {
  discardContent,
  forgetContent,
  forgetFailedAnswer,
  headersForOtherContent,
} from '../application/content-facts.js';
import { type AnyContent, TEXT_HTML } from '../application/outgoing-content.js';
import { checkFunction, PorticoError } from '../errors.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { checkNumber } from '../plugin/check-option.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { CallFailed, CallUnhandled } from '../plugin/hooks.js';

/** Answers a call whose handler has thrown. */
export type ErrorHandler<E> = (call: ApplicationCall, error: E) => unknown;
/** Answers instead of an answer with this status. */
export type StatusHandler = (call: ApplicationCall, status: number) => unknown;

// biome-ignore lint/suspicious/noExplicitAny: constructors of any signature are meant
type ErrorClass<E> = abstract new (...args: any[]) => E;

/** What `StatusPages` answers with. */
export class StatusPagesConfig {
  readonly #errors = new Map<unknown, ErrorHandler<never>>();
  readonly #statuses = new Map<number, StatusHandler>();
  #unhandled: ((call: ApplicationCall) => unknown) | undefined;

  /** For errors of a class and those derived from it; the nearest class counts. */
  exception<E>(type: ErrorClass<E>, handler: ErrorHandler<E>): void {
    checkFunction(type, () => 'What exception() of StatusPages is for');
    checkFunction(handler, () => `The handler of StatusPages for ${type.name}`);
    this.#errors.set(type, handler);
  }

  /**
   * For answers of these statuses, whoever gives them. Its answer needs a status of its own: 200 otherwise. Headers of
   * the answer it replaces are kept.
   */
  status(codes: number | readonly number[], handler: StatusHandler): void {
    for (const code of [codes].flat()) {
      checkNumber('StatusPages: a status', code, 200, 599);
      checkFunction(handler, () => `The handler of StatusPages for ${code}`);
      this.#statuses.set(code, handler);
    }
  }

  /**
   * Pages from files: `statusFile([404, 500], 'pages/error-#.html')` answers with `pages/error-404.html`. Paths are
   * relative to the working directory, which for bundles is their folder. The files are read when they are needed.
   */
  statusFile(codes: number | readonly number[], pattern: string): void {
    if (!pattern.includes('#'))
      throw new PorticoError(
        'PORTICO_STATUS_FILE',
        `The pattern ${JSON.stringify(pattern)} of statusFile has no # for the status. Write for example error-#.html.`,
      );
    this.status(codes, async (call, status) =>
      call.respondText(await readFile(pattern.replaceAll('#', String(status)), 'utf8'), TEXT_HTML, status),
    );
  }

  /** For calls that nobody has answered, before they become 404 or 405. */
  unhandled(handler: (call: ApplicationCall) => unknown): void {
    checkFunction(handler, () => 'unhandled of StatusPages');
    this.#unhandled = handler;
  }

  /** The handler for an error; undefined when there is none. */
  handlerOf(error: unknown): ErrorHandler<unknown> | undefined {
    let prototype: unknown = Object(error);
    while (prototype !== null) {
      prototype = Object.getPrototypeOf(prototype);
      const handler = this.#errors.get((prototype as { constructor?: unknown } | null)?.constructor);
      if (handler !== undefined) return handler as ErrorHandler<unknown>;
    }
    return undefined;
  }

  /** The handler for a status; undefined when there is none. */
  handlerOfStatus(status: number): StatusHandler | undefined {
    return this.#statuses.get(status);
  }

  get handlerOfUnhandled(): ((call: ApplicationCall) => unknown) | undefined {
    return this.#unhandled;
  }
}

/** A handler of ours is answering this call, or has. */
const ANSWERING = new AttributeKey<true>('StatusPages.answering');

/**
 * Plugin: answers for errors, for statuses and for calls that nobody has answered.
 *
 * ```ts
 * application.install(StatusPages, (config) => {
 *   config.exception(OutOfStock, (call, error) => call.respondText(error.item, undefined, 409));
 *   config.status(404, (call, status) => call.respondText('No such page', undefined, status));
 * });
 * ```
 *
 * Each call is answered by one handler. What a handler for a status throws goes to the handler for that error; what
 * a handler for an error throws goes to the engine.
 */
export const StatusPages: ApplicationPlugin<StatusPagesConfig, void> = createApplicationPlugin(
  'StatusPages',
  {
    createConfig: () => new StatusPagesConfig(),
    install(plugin) {
      const { config } = plugin;
      plugin.on(CallFailed, (call, error) => {
        const handler = config.handlerOf(error);
        if (handler === undefined || call.isHandled || !claim(call)) return undefined;
        forgetFailedAnswer(call);
        return handler(call, error);
      });
      plugin.on(CallUnhandled, (call) => config.handlerOfUnhandled?.(call));
      plugin.pipeline.sendPipeline.intercept(ApplicationSendPipeline.After, (run, subject) => {
        const { call } = run;
        const content = subject as AnyContent;
        const status = content.status ?? call.responseStatus;
        const handler = status === undefined ? undefined : config.handlerOfStatus(status);
        if (status === undefined || handler === undefined || call.isHandled || !claim(call)) return undefined;
        return instead(
          call,
          content,
          () => handler(call, status),
          () => run.finish(),
        );
      });
    },
  },
);

/** Answers by `answer`; `content`, which would have been sent, is dropped if that did. */
function instead(
  call: ApplicationCall,
  content: AnyContent,
  answer: () => unknown,
  drop: () => void,
): unknown {
  const { headers } = call.response;
  const before = [...headers.flat];
  forgetContent(call);
  keepHeaders(call, content);
  const { answering } = call;
  const settled = (): void => {
    if (call.isHandled) {
      discardContent(call, content);
      drop();
    } else headers.replaceAll(before);
  };
  // An answer of the handler counts, also when it did not wait for it.
  const done = (): unknown =>
    call.isHandled || call.answering === answering ? settled() : call.answering?.then(settled);
  const failed = (error: unknown): never => {
    call.attributes.remove(ANSWERING);
    throw error;
  };
  try {
    const result = answer();
    return isPromiseLike(result) ? result.then(done, failed) : done();
  } catch (error) {
    return failed(error);
  }
}

/** False when a handler is at work for this call already. */
function claim(call: ApplicationCall): boolean {
  if (call.attributes.contains(ANSWERING)) return false;
  call.attributes.put(ANSWERING, true);
  return true;
}

function keepHeaders({ response }: ApplicationCall, content: AnyContent): void {
  const headers = headersForOtherContent(content);
  for (let i = 0; i + 1 < headers.length; i += 2)
    if (!response.headers.has(headers[i] as string))
      response.headers.append(headers[i] as string, headers[i + 1] as string);
}
