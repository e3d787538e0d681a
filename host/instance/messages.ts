import type { Departure } from '../lifecycle/departure.js';

/**
 * What supervisor and agent say to each other over a pipe of the instance's process.
 * The process also runs application code: the server MUST treat every report as untrusted input (`parseReport`).
 */

/** Descriptor of the channel in the agent's process: a pipe that carries one message a line, as JSON, both ways. */
export const CHANNEL_DESCRIPTOR = 3;

/** Server to agent. */
export type AgentCommand =
  /** In answer to `hello`, to a process that has no application yet: what any will need is loaded now. */
  | { readonly type: 'prepare'; readonly kind: SpareKind }
  /** In answer to `hello` or `prepared`: this environment, and nothing else, then the application. Said once. */
  | {
      readonly type: 'boot';
      readonly plan: BootPlan;
      readonly environment: Readonly<Record<string, string>>;
    }
  /** Calls a function of the running application; `function-ended` follows, unless the process ends first. */
  | { readonly type: 'call-function'; readonly call: FunctionCall }
  /** The time of a call is over: its signal is aborted. Nobody waits for its report any more. */
  | { readonly type: 'end-function'; readonly id: number }
  /**
   * The mapping no longer names the instance, or the host stops: nothing new comes but what is on its way. Long-lived
   * answers are to end, and their clients to hear why; everything is still answered. `stop` follows when nothing is in
   * flight.
   */
  | { readonly type: 'prepare-stop'; readonly departure: Departure }
  /** Raise the stop events, finish what is in flight, stop the application, exit 0. */
  | { readonly type: 'stop'; readonly graceMs: number };

/** Agent to server. */
export type AgentReport =
  /** The agent is loaded and waits for `boot`. */
  | { readonly type: 'hello'; readonly pid: number }
  /** What `prepare` asked for is loaded. */
  | { readonly type: 'prepared' }
  /** `boot` has arrived; nothing of the application is loaded yet. */
  | { readonly type: 'booting' }
  /** The application is started and the exchange socket accepts fronts. `kind` as detected. */
  | { readonly type: 'ready'; readonly kind: ApplicationKind }
  /** The application could not be started; the process exits with code 70 afterwards. */
  | {
      readonly type: 'failed';
      readonly step: BootStep;
      readonly code: string;
      readonly message: string;
      readonly stack: string;
    }
  /** How a call came out; `text` is what it gave, or why it failed. */
  | {
      readonly type: 'function-ended';
      readonly id: number;
      readonly isDone: boolean;
      readonly text: string;
    }
  /** The application wants to be stopped (its shutdown URL): as an operator would do it, with all its instances. */
  | { readonly type: 'stop-requested' }
  /** Every `statsIntervalMs`; also the heartbeat. */
  | {
      readonly type: 'stats';
      /** 0: it cannot tell. */
      readonly rssBytes: number;
      readonly heapUsedBytes: number;
      readonly cpuUserMicros: number;
      readonly cpuSystemMicros: number;
      /** Event-loop utilisation since the last report, 0 to 1. */
      readonly utilization: number;
      readonly exchanges: number;
    };

/** What a process without an application is prepared for: any Node server, or an application of the framework too. */
export type SpareKind = 'server' | 'framework';

/** One call of an exported function, for a run of a job. */
export interface FunctionCall {
  /** Unique within the process. */
  readonly id: number;
  readonly job: string;
  /** Of the run. */
  readonly number: number;
  /** The export; `Shop.clean` for one that an exported object holds. */
  readonly name: string;
  /** File that exports it, within the bundle. Undefined: the entry, or the first module that has it. */
  readonly module: string | undefined;
  /** It may be called while a call for the same job goes on. */
  readonly mayOverlap: boolean;
}

/** How far a start had come: files loaded, modules configured, application made ready, socket opened. */
export type BootStep = 'load' | 'configure' | 'start' | 'listen';

/**
 * `framework`: modules on Portico's framework. `server`: anything that answers node's (req, res): a function, an
 * Express, Koa, Fastify or Hono app, a fetch object, an http.Server. `program`: it called `listen()` itself.
 */
export type ApplicationKind = 'framework' | 'server' | 'program';

/** What a process needs to call other applications. */
export interface CallRights {
  /** Where calls are taken. */
  readonly socketPath: string;
  /** Proves who calls; sent with each call. */
  readonly token: string;
}

/** Everything the agent must know to boot one version of one application. */
export interface BootPlan {
  /** Name of the bundle: `shop`. */
  readonly application: string;
  readonly version: string;
  readonly deployment: string;
  readonly instance: string;
  /** `''` for ROOT, `/shop` otherwise. */
  readonly contextPath: string;
  /** Absolute folder of the expanded bundle; working directory of the process. */
  readonly folder: string;
  /** `modules`: framework modules as `file#function`; `main`: absolute path of a Node entry. */
  readonly entry:
    | { readonly kind: 'modules'; readonly modules: readonly string[] }
    | { readonly kind: 'main'; readonly main: string };
  /** The developer's configuration, for `environment.config`; plain JSON data. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where each value of `config` stands, `application.yaml:3`, by its dotted path. */
  readonly configOrigins?: Readonly<Record<string, string>> | undefined;
  readonly prefix: 'strip' | 'keep';
  /** Unix socket to listen on for fronts. Its folder exists, mode 0700. */
  readonly socketPath: string;
  readonly secret: string;
  readonly statsIntervalMs: number;
  readonly startTimeoutMs: number;
  /** Mask of the rights of new files, set before anything is loaded. Undefined: that of the host. */
  readonly umask?: number | undefined;
  /** Absent: it may call nobody. */
  readonly calls?: CallRights | undefined;
  /** Error answers name the error, with its stack. Default false. */
  readonly developmentMode?: boolean;
  /** The folder of the developer that `folder` is a copy of; error answers name its files. */
  readonly developedIn?: string | undefined;
}
