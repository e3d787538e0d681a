import type { ApplicationCall } from 'portico';
import { NoContent } from 'portico';

/** Answers an upgrade request with 101, and gives back every byte of the tunnel until the client ends it. */
export async function echoTunnel(call: ApplicationCall): Promise<void> {
  call.markHandled(new NoContent({ status: 101 }));
  const { exchange } = call;
  // The engine listens for the abort of a call that takes time; whoever takes the tunnel listens behind it.
  await Promise.resolve();
  await new Promise<void>((resolve) => {
    exchange.listen({
      data: (chunk) => {
        exchange.consumed(chunk.length);
        exchange.write(chunk);
      },
      end: () => {
        exchange.end();
        resolve();
      },
      drain: () => undefined,
      aborted: () => resolve(),
    });
    exchange.begin(101, []);
  });
}
