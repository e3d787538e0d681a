import { Attributes } from '../pipeline/attributes.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import type { ApplicationCall } from './application-call.js';

/** Subject: what was received so far; at first the `RequestBody`, at the end the value that was asked for. */
export class ApplicationReceivePipeline extends Pipeline<unknown, ApplicationCall> {
  static readonly Before = new PipelinePhase('Before');
  /** The body becomes what `call.receiveType` names. */
  static readonly Transform = new PipelinePhase('Transform');
  static readonly After = new PipelinePhase('After');

  constructor() {
    super(RECEIVE_PHASES);
  }
}

/** Subject: the value responded; at the end an `OutgoingContent`, which the Engine phase sends. */
export class ApplicationSendPipeline extends Pipeline<unknown, ApplicationCall> {
  static readonly Before = new PipelinePhase('Before');
  /** Values become contents, for example by content negotiation. */
  static readonly Transform = new PipelinePhase('Transform');
  /** What is no content yet becomes one in the default way. */
  static readonly Render = new PipelinePhase('Render');
  static readonly ContentEncoding = new PipelinePhase('ContentEncoding');
  static readonly TransferEncoding = new PipelinePhase('TransferEncoding');
  static readonly After = new PipelinePhase('After');
  /** Sends the content; the engine's own. */
  static readonly Engine = new PipelinePhase('Engine');

  constructor() {
    super(SEND_PHASES);
  }
}

/** What a call goes through; application and every route are one. There is no subject. */
export class ApplicationCallPipeline extends Pipeline<undefined, ApplicationCall> {
  /** Prepares call and attributes. */
  static readonly Setup = new PipelinePhase('Setup');
  /** Logging, metrics, tracing. */
  static readonly Monitoring = new PipelinePhase('Monitoring');
  /** Most plugins. */
  static readonly Plugins = new PipelinePhase('Plugins');
  /** What may refuse the call. */
  static readonly Validators = new PipelinePhase('Validators');
  /** Handlers and routing. */
  static readonly Call = new PipelinePhase('Call');
  /** Nobody answered. */
  static readonly Fallback = new PipelinePhase('Fallback');
  /** The older names of Plugins. */
  static readonly Features: PipelinePhase = ApplicationCallPipeline.Plugins;
  static readonly Infrastructure: PipelinePhase = ApplicationCallPipeline.Plugins;

  readonly attributes: Attributes = new Attributes();
  #receivePipeline: ApplicationReceivePipeline | undefined;
  #sendPipeline: ApplicationSendPipeline | undefined;

  constructor() {
    super(CALL_PHASES);
  }

  /** Made when first asked for: most routes never need their own. */
  get receivePipeline(): ApplicationReceivePipeline {
    this.#receivePipeline ??= this.makeReceivePipeline();
    return this.#receivePipeline;
  }

  get sendPipeline(): ApplicationSendPipeline {
    this.#sendPipeline ??= this.makeSendPipeline();
    return this.#sendPipeline;
  }

  /** The receive pipeline if anybody ever asked for it. */
  get receivePipelineOrNull(): ApplicationReceivePipeline | undefined {
    return this.#receivePipeline;
  }

  get sendPipelineOrNull(): ApplicationSendPipeline | undefined {
    return this.#sendPipeline;
  }

  protected makeReceivePipeline(): ApplicationReceivePipeline {
    return new ApplicationReceivePipeline();
  }

  protected makeSendPipeline(): ApplicationSendPipeline {
    return new ApplicationSendPipeline();
  }
}

const RECEIVE_PHASES = [
  ApplicationReceivePipeline.Before,
  ApplicationReceivePipeline.Transform,
  ApplicationReceivePipeline.After,
];
const SEND_PHASES = [
  ApplicationSendPipeline.Before,
  ApplicationSendPipeline.Transform,
  ApplicationSendPipeline.Render,
  ApplicationSendPipeline.ContentEncoding,
  ApplicationSendPipeline.TransferEncoding,
  ApplicationSendPipeline.After,
  ApplicationSendPipeline.Engine,
];
const CALL_PHASES = [
  ApplicationCallPipeline.Setup,
  ApplicationCallPipeline.Monitoring,
  ApplicationCallPipeline.Plugins,
  ApplicationCallPipeline.Validators,
  ApplicationCallPipeline.Call,
  ApplicationCallPipeline.Fallback,
];
