import { routing } from 'portico';

export function helloModule(application) {
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello World\n'));
  });
}
