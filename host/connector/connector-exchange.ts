import { AbortReason, type Exchange, type RequestHead, type RequestListener } from '../exchange/exchange.js';
import { illegalCall, illegalResponse, truncatedResponse } from '../exchange/exchange-errors.js';
import type { Fields } from '../http/field-block.js';
import { STATUS_PAGE_TYPE, statusPage } from '../http/status-page.js';
import { closesConnection, Framing, isFinalStatus, statusOfAbort } from './response-framing.js';

/**
 * One request and its response, whatever the protocol: how far it has come, and all the ways it ends before its time. Made
 * by the connection for each request. A subclass frames the response.
 */
export abstract class ConnectorExchange implements Exchange {
  // Set by the constructor: initialisers of a class and of its base cost twice as much as those of one class.
  declare readonly head: RequestHead;
  declare readonly startedAt: number;
  declare isEnded: boolean;
  declare isBegun: boolean;
  /** Status of the final response, 0 before it began; 101 for a tunnel, whatever the protocol calls it. */
  declare status: number;
  declare bytesIn: number;
  declare bytesOut: number;
  declare wasAborted: boolean;
  declare hasContinued: boolean;
  declare listener: RequestListener | undefined;
  declare protected framing: Framing;
  /** Body bytes still due with `Framing.LENGTH`. */
  declare protected remaining: number;

  constructor(head: RequestHead, startedAt: number) {
    this.head = head;
    this.startedAt = startedAt;
    this.isEnded = this.isBegun = this.wasAborted = this.hasContinued = false;
    this.status = this.bytesIn = this.bytesOut = this.remaining = 0;
    this.listener = undefined;
    this.framing = Framing.NONE;
  }

  abstract consumed(bytes: number): void;
  abstract interim(status: number, fields: Fields): void;
  abstract respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void;
  abstract begin(status: number, fields: Fields): void;
  abstract write(chunk: Uint8Array): boolean;
  abstract end(trailers?: Fields): void;

  get isTunnel(): boolean {
    return this.framing === Framing.TUNNEL;
  }

  /** The client has been promised nothing yet, and has sent nothing of its body. */
  get isAwaitingContinue(): boolean {
    return this.head.expectsContinue && !this.hasContinued && this.bytesIn === 0;
  }

  listen(listener: RequestListener): void {
    this.listener = listener;
  }

  abort(reason: AbortReason): void {
    if (this.isEnded) return;
    if (reason === AbortReason.CANCELLED) this.breakSilently(reason);
    else this.fail(reason, statusOfAbort(reason));
  }

  /** Ends with an error answer if that is still possible, otherwise so that the client sees that something is wrong. */
  fail(reason: AbortReason, status: number): void {
    if (this.isEnded) return;
    if (this.isBegun) {
      this.breakSilently(reason);
      return;
    }
    // What follows of the body cannot be trusted, or is too much to be read.
    if (closesConnection(reason)) this.refuseBody();
    this.wasAborted = true;
    const page = statusPage(status);
    const fields = ['Content-Type', STATUS_PAGE_TYPE];
    if (reason === AbortReason.REFUSED) fields.push('Retry-After', '1');
    this.respond(status, fields, page);
  }

  /** The connection tells that this cannot go on: nothing can be sent any more. */
  lose(reason: AbortReason): void {
    const wasEnded = this.isEnded;
    this.isEnded = true;
    if (!wasEnded) this.wasAborted = true;
    this.tellAborted(reason);
  }

  tellAborted(reason: AbortReason): void {
    const { listener } = this;
    this.listener = undefined;
    try {
      listener?.aborted(reason);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  protected abstract handlerFailed(error: unknown): void;
  /** Nothing more of the request body is to be read. */
  protected abstract refuseBody(): void;
  /** Cuts the response off, without a word to the handler. `reason`: why, as the client may be told. */
  protected abstract cut(reason: AbortReason): void;

  /** An interim response that comes too late or answers nothing is left out. 101 is final here, see `begin`. */
  protected canInform(status: number): boolean {
    if (this.isBegun || this.isEnded) return false;
    if (!(Number.isInteger(status) && status >= 100 && status <= 199) || status === 101) return false;
    return status !== 100 || (this.head.expectsContinue && !this.hasContinued);
  }

  /** Throws when a response has begun already. `verb`: what was called. */
  protected canAnswer(verb: 'respond' | 'begin', status: number): boolean {
    if (this.isBegun) throw illegalCall(verb, 'the response has begun already');
    if (this.isEnded) return false;
    if (isFinalStatus(status)) return true;
    if (status !== 101 || verb === 'respond') this.refuseResponse(`${String(status)} is not a final status`);
    else if (this.head.upgrade !== undefined) return true;
    else this.refuseResponse('status 101 answers a request that asked for no upgrade');
    return false;
  }

  /** The application gave a response head that must not be sent. */
  protected refuseResponse(what: string): void {
    this.handlerFailed(illegalResponse(this.head, what));
    this.fail(AbortReason.APPLICATION_ERROR, 500);
    this.tellAborted(AbortReason.APPLICATION_ERROR);
  }

  /** The response has begun and turned out wrong. */
  protected breakOff(what: string): void {
    this.handlerFailed(truncatedResponse(this.head, what));
    this.breakSilently(AbortReason.APPLICATION_ERROR);
    this.tellAborted(AbortReason.APPLICATION_ERROR);
  }

  private breakSilently(reason: AbortReason): void {
    this.isEnded = true;
    this.wasAborted = true;
    this.cut(reason);
  }
}
