import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import type { Log, LogLevel } from '../application/log.js';
import { withCallFacts } from '../application/log-context.js';
import { checkFunction } from '../errors.js';
import { statusText } from '../http/status-text.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import { invalidOption } from '../plugin/check-option.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { CallSetup, ResponseBroken, ResponseSent } from '../plugin/hooks.js';

/** What `CallLogging` writes, and where. */
export class CallLoggingConfig {
  /** Level of the lines. Default `info`. */
  level: Exclude<LogLevel, 'silent'> = 'info';
  /** Default: the log of the application. */
  log: Log | undefined;
  /** Time in milliseconds, for durations. */
  now: () => number = () => performance.now();
  /** The line of a call. Default: `200 OK: GET - /items in 3ms`. */
  format: (call: ApplicationCall, durationMs: number) => string = formatLine;
  readonly #filters: ((call: ApplicationCall) => boolean)[] = [];
  readonly #facts = new Map<string, (call: ApplicationCall) => string | undefined>();

  /** Only calls that pass any of the filters are logged. */
  filter(filter: (call: ApplicationCall) => boolean): void {
    checkFunction(filter, () => 'A filter of CallLogging');
    this.#filters.push(filter);
  }

  /** A fact for the context of every line that is logged while the call is handled (Ktor's MDC). */
  mdc(name: string, fact: (call: ApplicationCall) => string | undefined): void {
    checkFunction(fact, () => `The fact ${name} of CallLogging`);
    this.#facts.set(name, fact);
  }

  get filters(): readonly ((call: ApplicationCall) => boolean)[] {
    return this.#filters;
  }

  get facts(): ReadonlyMap<string, (call: ApplicationCall) => string | undefined> {
    return this.#facts;
  }
}

const LEVELS: ReadonlySet<string> = new Set(['trace', 'debug', 'info', 'warn', 'error']);
const BEGIN = new AttributeKey<number>('CallLogging.begin');
const Mdc = new PipelinePhase('Mdc');

/**
 * Plugin: one line in the log for each answered call, when its last byte was sent. An answer that ends before its time,
 * for example a download that the client gives up, has its line with `, broken off` behind it.
 *
 * ```ts
 * application.install(CallLogging, (config) => {
 *   config.filter((call) => call.pathInApplication.startsWith('/api/'));
 * });
 * ```
 */
export const CallLogging: ApplicationPlugin<CallLoggingConfig, void> = createApplicationPlugin(
  'CallLogging',
  {
    createConfig: () => new CallLoggingConfig(),
    install(plugin) {
      const { application, pipeline, config } = plugin;
      const { filters, facts, format, level, now } = config;
      const log = config.log ?? application.log;
      checkFunction(format, () => 'The format of CallLogging');
      if (!LEVELS.has(level))
        throw invalidOption('CallLogging: level', level, `Use ${[...LEVELS].join(', ')}.`);
      plugin.on(CallSetup, (call) => call.attributes.put(BEGIN, now()));
      const write = (call: ApplicationCall, rest: string): void => {
        if (filters.length > 0 && !filters.some((filter) => filter(call))) return;
        log[level](format(call, now() - (call.attributes.getOrNull(BEGIN) ?? now())) + rest);
      };
      plugin.on(ResponseSent, (call) => write(call, ''));
      plugin.on(ResponseBroken, (call) => write(call, ', broken off'));
      if (facts.size === 0) return;
      pipeline.insertPhaseBefore(ApplicationCallPipeline.Monitoring, Mdc);
      pipeline.intercept(Mdc, (run) =>
        withCallFacts(
          run.call,
          () => factsOf(run.call, facts),
          () => run.proceed(),
        ),
      );
    },
  },
);

function factsOf(call: ApplicationCall, facts: CallLoggingConfig['facts']): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, fact] of facts) {
    const value = fact(call);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function formatLine(call: ApplicationCall, durationMs: number): string {
  const status = call.sentStatus ?? 0;
  const target = status === 301 || status === 302 ? ` -> ${locationOf(call) ?? ''}` : '';
  const text = `${status} ${statusText(status)}`.trim();
  return `${text}: ${call.request.method} - ${call.request.path}${target} in ${Math.round(durationMs)}ms`;
}

function locationOf(call: ApplicationCall): string | undefined {
  const headers = call.sentContent?.headers ?? [];
  const index = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'location');
  return index < 0 ? call.response.headers.get('Location') : headers[index + 1];
}
