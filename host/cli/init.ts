import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PorticoError } from '../errors.js';

const HOST_YAML = `# Configuration of this Portico host. "portico validate" checks it.
connectors:
  - name: http
    port: 8080
admin:
  host: 127.0.0.1
  port: 9090
`;

const HELLO = `import { routing } from 'portico';

/** @param {import('portico').Application} application */
export function helloModule(application) {
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello from Portico\\n'));
  });
}
`;

/** `portico init DIR`: makes a base folder with a first application. Refuses a folder that holds something. */
export function init(folder: string): void {
  const base = resolve(folder);
  if (existsSync(base) && readdirSync(base).length > 0) {
    throw new PorticoError(
      'PORTICO_FOLDER_NOT_EMPTY',
      `${base} is not empty. Name a new or an empty folder.`,
    );
  }
  mkdirSync(join(base, 'apps/hello'), { recursive: true });
  for (const name of ['logs', 'work']) mkdirSync(join(base, name));
  mkdirSync(join(base, 'run'), { mode: 0o700 });
  writeFileSync(join(base, 'host.yaml'), HOST_YAML);
  writeFileSync(join(base, '.gitignore'), 'logs/\nwork/\nrun/\n');
  writeFileSync(join(base, 'apps/hello/hello.mjs'), HELLO);
  writeFileSync(
    join(base, 'apps/hello/application.yaml'),
    'portico:\n  application:\n    modules: [hello.mjs#helloModule]\n',
  );
  process.stdout.write(
    `made ${base}\nnext: portico start --base ${folder}, then http://127.0.0.1:8080/hello\n`,
  );
}
