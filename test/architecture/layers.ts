/** The layers of `host/`, top to bottom. A folder imports from itself and from folders further down only. */
export const layers = [
  'cli',
  'server',
  'admin',
  'deployer',
  'supervisor',
  'front',
  'runtime',
  'instance',
  'engine',
  'plugins',
  'plugin',
  'routing',
  'application',
  'connector',
  'exchange',
  'pipeline',
  'bundle',
  'config',
  'tls',
  'http',
  'log',
  'lifecycle',
] as const;

/** The application half: what runs inside a bundle. It never imports the container half, whatever the order says. */
export const applicationHalf: readonly string[] = [
  'engine',
  'plugins',
  'plugin',
  'routing',
  'application',
  'connector',
  'exchange',
  'pipeline',
];
