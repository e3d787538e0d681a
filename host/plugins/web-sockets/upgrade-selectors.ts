import {
  type Evaluation,
  MATCHED_CONSTANT,
  type Mismatch,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from '../../routing/route-selector.js';

const FAILED: Mismatch = { isMatch: false, quality: Quality.FAILED_PARAMETER, status: 400 };

/** Takes requests that ask for a WebSocket (RFC 6455 §4.1); any other is 400, behind a parameter of the path 404. */
export class WebSocketSelector implements RouteSelector {
  readonly id = 'webSocket';
  readonly isPath = false;

  evaluate({ call }: ResolveSubject): Evaluation {
    const asked = call.exchange.head.upgrade?.toLowerCase().split(',');
    // RFC 6455 §4.2.1: the field contains it; a client may offer other protocols beside it.
    return asked?.some((one) => one.trim() === 'websocket') === true ? MATCHED_CONSTANT : FAILED;
  }

  toString(): string {
    return '(webSocket)';
  }
}

/** Takes requests that offer a sub-protocol. */
export class SubProtocolSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly #protocol: string;

  constructor(protocol: string) {
    this.#protocol = protocol;
    this.id = `subProtocol:${protocol}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    const offered = call.exchange.head.fields.all('sec-websocket-protocol').join(',');
    return offered.split(',').some((one) => one.trim() === this.#protocol) ? MATCHED_CONSTANT : FAILED;
  }

  toString(): string {
    return `(subProtocol:${this.#protocol})`;
  }
}
