import { ApplicationReceivePipeline, ApplicationSendPipeline } from '../application/call-pipelines.js';

/** What keeps things that were derived from its pipelines. */
export interface PipelineOwner {
  invalidate(): void;
}

/** The receive pipeline of a route; tells its owner when it gets an interceptor. */
export class WatchedReceivePipeline extends ApplicationReceivePipeline {
  readonly #owner: PipelineOwner;

  constructor(owner: PipelineOwner) {
    super();
    this.#owner = owner;
  }

  protected override afterIntercepted(): void {
    this.#owner.invalidate();
  }
}

/** The same for sending. */
export class WatchedSendPipeline extends ApplicationSendPipeline {
  readonly #owner: PipelineOwner;

  constructor(owner: PipelineOwner) {
    super();
    this.#owner = owner;
  }

  protected override afterIntercepted(): void {
    this.#owner.invalidate();
  }
}
