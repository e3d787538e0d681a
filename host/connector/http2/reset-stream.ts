import type { ServerHttp2Stream } from 'node:http2';

/**
 * Lets 'close' follow whenever a stream is over, whatever went wrong on it. The library keeps a stream that the client
 * has reset with NO_ERROR until all of the response is sent, which never comes; no limit on open streams counts it
 * then. Its 'end' comes at once only where the body is read: a request without one has to be read, too.
 * `isOurs`: the stream was closed by us, and the rest of the response is still to be sent.
 */
export function closeWhenReset(stream: ServerHttp2Stream, isOurs: () => boolean = never): void {
  stream.on('error', ignoreError);
  stream.on('aborted', () => {
    if (!isOurs()) stream.destroy();
  });
  stream.on('end', () => {
    if (stream.closed && !isOurs()) stream.destroy();
  });
}

function never(): boolean {
  return false;
}

function ignoreError(): void {
  // 'close' follows, and whoever waits for the stream is told then.
}
