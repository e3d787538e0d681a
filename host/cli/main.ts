#!/usr/bin/env node
import { Argument, Command, Option } from 'commander';
import { messageOf, PorticoError } from '../errors.js';
import { packageVersion } from '../package-version.js';
import { parseDays, parsePort, withBaseOptions } from './base-options.js';
import { surviveLostOutput } from './output-lost.js';

/** Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 a port is in use. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  PORTICO_ARGUMENT_INVALID: 2,
  PORTICO_BASE_MISSING: 2,
  PORTICO_BUNDLE_NAME: 2,
  PORTICO_CERTIFICATE_NAME: 2,
  PORTICO_CONFIG_INVALID: 2,
  PORTICO_CONFIG_KIND: 2,
  PORTICO_DEV_BUNDLE: 2,
  PORTICO_FOLDER_MISSING: 2,
  PORTICO_MODULES_MISSING: 2,
  PORTICO_PORT_MISSING: 2,
  PORTICO_TLS_MISSING: 2,
  PORTICO_VALIDATION_FAILED: 2,
  PORTICO_PORT_IN_USE: 3,
};

surviveLostOutput(process.argv[2]);

// Each command loads its own code, so that `list` does not load the server.
const program = new Command('portico')
  .description(
    'A servlet container for Node.js: many applications behind one port, each in a process of its own.',
  )
  .version(packageVersion())
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

withBaseOptions(program.command('start'))
  .description('run the host in the foreground')
  .option('-p, --port <number>', 'port of the first connector; 0 picks a free one (PORTICO_PORT)', parsePort)
  .option(
    '--admin-port <number>',
    'port of the admin connector; 0 picks a free one (PORTICO_ADMIN_PORT)',
    parsePort,
  )
  .option('--host <address>', 'address of the first connector')
  .addOption(
    new Option('--log <format>', 'text or json (default: text on a terminal)').choices(['text', 'json']),
  )
  .action(async (...args: Parameters<typeof import('./start.js').start>) =>
    (await import('./start.js')).start(...args),
  );
withBaseOptions(program.command('dev <bundle>'))
  .description(
    'run one bundle for its developer: starts it again on each change, shows errors in the browser',
  )
  .option('--all', 'run all bundles that lie beside it as well')
  .option('-p, --port <number>', 'port of the first connector; 0 picks a free one (PORTICO_PORT)', parsePort)
  .option('--host <address>', 'address of the first connector')
  .action(async (...args: Parameters<typeof import('./dev.js').dev>) =>
    (await import('./dev.js')).dev(...args),
  );
withBaseOptions(program.command('stop'))
  .description('drain and stop the running host')
  .action(async (...args: Parameters<typeof import('./stop.js').stop>) =>
    (await import('./stop.js')).stop(...args),
  );
for (const verb of ['suspend', 'resume'] as const)
  withBaseOptions(program.command(verb))
    .description(
      verb === 'suspend'
        ? 'be not ready, and answer new requests with 503; those in flight go on'
        : 'serve again after "suspend"',
    )
    .action(async (options) => (await import('./standstill.js')).suspend(verb, options));
withBaseOptions(program.command('maintenance'))
  .description(
    'answer with a page of yours and 503 for an application, a virtual host or the whole host; or list what is closed',
  )
  .addArgument(new Argument('<verb>').choices(['on', 'off', 'list']))
  .argument('[name]', 'application or path')
  .option('--virtual-host <name>', 'a virtual host instead of an application')
  .option('--whole-host', 'everything instead of an application')
  .option('--file <page>', 'HTML file, at most 64KiB; the server keeps its content')
  .option('--retry-after <duration>', 'when clients are to come back (default: 5m)')
  .option('--json', 'the list as JSON')
  .action(async (...args: Parameters<typeof import('./maintenance.js').maintenance>) =>
    (await import('./maintenance.js')).maintenance(...args),
  );
withBaseOptions(program.command('connector'))
  .description('let one connector accept no more connections, or accept again; its address stays taken')
  .addArgument(new Argument('<verb>').choices(['pause', 'resume']))
  .argument('<name>')
  .action(async (...args: Parameters<typeof import('./standstill.js').connector>) =>
    (await import('./standstill.js')).connector(...args),
  );
withBaseOptions(program.command('reload'))
  .description('have the running host read host.yaml again; says what needs a restart')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./reload.js').reload>) =>
    (await import('./reload.js')).reload(...args),
  );
withBaseOptions(program.command('list'))
  .description('list the applications')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./list.js').list>) =>
    (await import('./list.js')).list(...args),
  );
withBaseOptions(program.command('status [name]'))
  .description('show the host, or one application with its last output')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./status.js').status>) =>
    (await import('./status.js')).status(...args),
  );
withBaseOptions(program.command('app'))
  .description('start, stop, reload or undeploy one application')
  .addArgument(new Argument('<verb>').choices(['start', 'stop', 'reload', 'undeploy']))
  .argument('<name>')
  .action(async (...args: Parameters<typeof import('./app.js').app>) =>
    (await import('./app.js')).app(...args),
  );
withBaseOptions(program.command('plan'))
  .description('show what would be deployed, replaced or stopped, and why; change nothing')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./plan.js').plan>) =>
    (await import('./plan.js')).plan(...args),
  );
withBaseOptions(program.command('history <name>'))
  .description('show the deployments of one application, with their steps')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./history.js').history>) =>
    (await import('./history.js')).history(...args),
  );
withBaseOptions(program.command('rollback <name>'))
  .description('let content serve again that served before, until the files of the application change')
  .option(
    '--to <deployment>',
    'number of a deployment, or the beginning of a fingerprint (see "portico history")',
  )
  .action(async (...args: Parameters<typeof import('./rollback.js').rollback>) =>
    (await import('./rollback.js')).rollback(...args),
  );
withBaseOptions(program.command('canary'))
  .description('show, promote or abort the version of an application that is coming into use')
  .argument('<name>', 'application, version or path')
  .addArgument(new Argument('<verb>').choices(['status', 'promote', 'abort']))
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./canary.js').canary>) =>
    (await import('./canary.js')).canary(...args),
  );
withBaseOptions(program.command('jobs'))
  .description('show the scheduled jobs of an application, or run one now')
  .argument('<name>', 'application, version or path')
  .addArgument(new Argument('[verb]').choices(['run']))
  .argument('[job]', 'name of the job')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./jobs.js').jobs>) =>
    (await import('./jobs.js')).jobs(...args),
  );
withBaseOptions(program.command('events [name]'))
  .description('show what happened lately, of one application or of all')
  .option('--follow', 'go on showing what happens, until Ctrl-C')
  .option('--json', 'as JSON, one event a line')
  .action(async (...args: Parameters<typeof import('./events.js').events>) =>
    (await import('./events.js')).events(...args),
  );
withBaseOptions(program.command('requests <name>'))
  .description('show the requests of one application that have been open for long')
  .option('--older-than <duration>', 'show those that are older (default: 5s; 0s: all)')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./requests.js').requests>) =>
    (await import('./requests.js')).requests(...args),
  );
withBaseOptions(program.command('tls'))
  .description('read the certificates of connectors anew, or show them')
  .addArgument(new Argument('<verb>').choices(['reload', 'status']))
  .argument('[connector]', 'only this one')
  .option('--json', 'as JSON')
  .action(async (...args: Parameters<typeof import('./tls.js').tls>) =>
    (await import('./tls.js')).tls(...args),
  );
withBaseOptions(program.command('validate'))
  .description('check the configuration and the bundles, start nothing')
  .action(async (...args: Parameters<typeof import('./validate.js').validate>) =>
    (await import('./validate.js')).validate(...args),
  );
program
  .command('init <folder>')
  .description('make a base folder with a first application')
  .action(async (folder: string) => (await import('./init.js')).init(folder));
program
  .command('new <name>')
  .description('write an application with a passing test into the folder <name>')
  .option('--typescript', 'in TypeScript, compiled by tsc')
  .action(async (...args: Parameters<typeof import('./new.js').makeBundle>) =>
    (await import('./new.js')).makeBundle(...args),
  );
program
  .command('cert [names...]')
  .description('make a certificate for development (default: for localhost, 127.0.0.1 and ::1)')
  .option('--days <number>', 'how long it is valid', parseDays, 365)
  .addOption(
    new Option('--key-type <type>', 'kind of its key')
      .choices(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'])
      .default('ec-p256'),
  )
  .option('--out <folder>', 'where the files go', 'certs')
  .option('--ca', 'sign it with an authority of this folder, ca.crt, which is made when there is none')
  .option('--force', 'replace the certificate and the key of the same name')
  .action(async (...args: Parameters<typeof import('./cert.js').cert>) =>
    (await import('./cert.js')).cert(...args),
  );
program
  .command('run [folder]')
  .summary('run one framework application on its own')
  .description('run one framework application on its own; "portico run --help" lists its options');

try {
  // Its options are those of an application on its own, `-port=8080`, not of this command line.
  if (process.argv[2] === 'run') await (await import('./run.js')).run(process.argv.slice(3));
  else await program.parseAsync();
} catch (error) {
  const code = error instanceof PorticoError ? error.code : 'PORTICO_INTERNAL';
  process.stderr.write(`portico: ${messageOf(error)} [${code}]\n`);
  if (!(error instanceof PorticoError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(EXIT_CODES[code] ?? 1);
}
