import { routing } from 'portico';

/** @param {import('portico').Application} application */
export function helloModule(application) {
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello from Portico\n'));
    route.get('/{name}', (call) => call.respondText(`Hello, ${call.parameters.name}\n`));
  });
}
