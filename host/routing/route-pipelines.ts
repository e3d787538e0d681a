import type { ApplicationCall } from '../application/application-call.js';
import {
  ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
} from '../application/call-pipelines.js';
import { type Interceptor, isPromiseLike } from '../pipeline/pipeline-context.js';
import type { Handler, Route } from './route.js';
import { isInEffect } from './route-scope.js';
import type { RoutingRoot } from './routing-root.js';

/**
 * The pipelines of the calls of one route: those from the root to the route merged in this order, so that parents come
 * first. Merged at the first call and kept until something in the tree or in the application's pipelines changes.
 */
export class RoutePipelines {
  readonly root: RoutingRoot;
  readonly #route: Route;
  #treeVersion = -1;
  #call: ApplicationCallPipeline | undefined;
  #send: ApplicationSendPipeline | undefined;
  #sendVersion = -1;
  #receive: ApplicationReceivePipeline | undefined;
  #receiveVersion = -1;

  constructor(route: Route, root: RoutingRoot) {
    this.#route = route;
    this.root = root;
  }

  get call(): ApplicationCallPipeline {
    this.#forgetOld();
    this.#call ??= this.#mergeCall();
    return this.#call;
  }

  get send(): ApplicationSendPipeline {
    this.#forgetOld();
    const { sendPipeline } = this.root.application;
    if (this.#send === undefined || this.#sendVersion !== sendPipeline.version) {
      this.#sendVersion = sendPipeline.version;
      this.#send = this.#mergeSend(sendPipeline);
    }
    return this.#send;
  }

  get receive(): ApplicationReceivePipeline {
    this.#forgetOld();
    const { receivePipeline } = this.root.application;
    if (this.#receive === undefined || this.#receiveVersion !== receivePipeline.version) {
      this.#receiveVersion = receivePipeline.version;
      this.#receive = this.#mergeReceive(receivePipeline);
    }
    return this.#receive;
  }

  #forgetOld(): void {
    if (this.#treeVersion === this.root.treeVersion) return;
    this.#treeVersion = this.root.treeVersion;
    this.#call = undefined;
    this.#send = undefined;
    this.#receive = undefined;
  }

  #mergeCall(): ApplicationCallPipeline {
    const merged = new ApplicationCallPipeline();
    const chain = this.#route.lineage;
    for (const route of chain) merged.merge(route, (interceptor) => isInEffect(interceptor, chain));
    for (const handler of this.#route.handlers)
      merged.intercept(ApplicationCallPipeline.Call, handlerInterceptor(handler));
    return merged;
  }

  /** The application's own pipeline when no route has added to it. */
  #mergeSend(base: ApplicationSendPipeline): ApplicationSendPipeline {
    const chain = this.#route.lineage;
    const own = chain.flatMap((route) => route.sendPipelineOrNull ?? []);
    if (own.length === 0) return base;
    const merged = new ApplicationSendPipeline();
    for (const pipeline of [base, ...own])
      merged.merge(pipeline, (interceptor) => isInEffect(interceptor, chain));
    return merged;
  }

  #mergeReceive(base: ApplicationReceivePipeline): ApplicationReceivePipeline {
    const chain = this.#route.lineage;
    const own = chain.flatMap((route) => route.receivePipelineOrNull ?? []);
    if (own.length === 0) return base;
    const merged = new ApplicationReceivePipeline();
    for (const pipeline of [base, ...own])
      merged.merge(pipeline, (interceptor) => isInEffect(interceptor, chain));
    return merged;
  }
}

function handlerInterceptor(handler: Handler): Interceptor<undefined, ApplicationCall> {
  return ({ context: call }) => {
    if (call.isHandled) return undefined;
    const result = handler(call);
    if (result === undefined) return undefined;
    return isPromiseLike(result)
      ? result.then((value) => respondWith(call, value))
      : respondWith(call, result);
  };
}

/** What a handler returned is the answer, unless it has answered already. */
function respondWith(call: ApplicationCall, value: unknown): void | Promise<void> {
  if (value !== undefined && !call.isHandled) return call.respond(value);
}
