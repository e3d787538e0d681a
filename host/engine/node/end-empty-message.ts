import type { IncomingMessage } from 'node:http';

/**
 * Marks a request without a body as read to its end. `node:http` makes a stream of each request and takes it through
 * end and close, which for an empty one costs more than answering it; newer lines of Node can leave that out for a whole
 * server (`optimizeEmptyRequests`), as this does for one message. Nobody else may listen to the message: its events
 * `end` and `close` do not come. Uses inner names of Node; where one is missing, nothing is done, which is only slower.
 */
export function endEmptyMessage(message: IncomingMessage): void {
  const inner = message as unknown as InnerMessage;
  const state = inner._readableState;
  if (inner._dumped !== false || state?.endEmitted !== false || state.closeEmitted !== false) return;
  inner._dumped = true;
  state.ended = true;
  state.endEmitted = true;
  state.destroyed = true;
  state.closed = true;
  state.closeEmitted = true;
}

interface InnerMessage {
  _dumped?: boolean;
  readonly _readableState?: {
    ended: boolean;
    endEmitted?: boolean;
    destroyed: boolean;
    closed: boolean;
    closeEmitted?: boolean;
  };
}
