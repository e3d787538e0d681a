import { routing } from 'portico';

const LARGE = 'x'.repeat(100 * 1024);

/** The lines of the group `connector`. */
export function lines(application) {
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello World\n'));
    route.get('/large', (call) => call.respondText(LARGE));
    route.post('/', async (call) => {
      const body = await call.receiveBytes();
      await call.respondText(`${body.length}\n`);
    });
  });
}
