import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApplicationConfig, MapApplicationConfig, PorticoError } from 'portico';
import { EngineMain, readConfiguration } from 'portico/embedded';
import { parseCommandLine } from '#host/engine/command-line.js';
import { loadConfiguration } from '#host/engine/load-configuration.js';
import { serverSettings } from '#host/engine/server-settings.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { readVectors } from '#test/support/vectors.js';

type Step = readonly ['config', string] | readonly ['configList', string, number];
interface Query {
  readonly query: readonly [kind: string, key?: string | readonly Step[], path?: readonly Step[]];
  readonly expect: unknown;
}
interface Case {
  readonly name: string;
  readonly queries: readonly Query[];
}
interface MapCase extends Case {
  readonly build: 'put' | 'collection';
  readonly entries: readonly (readonly [string, string | readonly string[]])[];
}
interface MergeCase extends Case {
  readonly op: 'mergeWith' | 'withFallback';
  readonly first: readonly (readonly [string, string])[];
  readonly second: readonly (readonly [string, string])[];
}
interface FileCase {
  readonly name: string;
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  readonly queries?: readonly Query[];
  readonly error?: unknown;
  readonly message?: string;
  readonly messageContains?: string;
}
interface CommandLineCase {
  readonly name: string;
  readonly args: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly expect: {
    readonly connectors?: readonly { readonly type: string; readonly host: string; readonly port: number }[];
    readonly queries?: readonly Query[];
    readonly rootPath?: string;
    readonly watchPaths?: readonly string[];
    readonly developmentMode?: boolean;
  };
}

const vectors = readVectors<{
  map: MapCase[];
  merge: MergeCase[];
  hocon: FileCase[];
  yaml: FileCase[];
  commandLine: CommandLineCase[];
}>('config');

function part(config: ApplicationConfig, steps: readonly Step[]): ApplicationConfig {
  return steps.reduce(
    (below, [kind, path, index]) =>
      kind === 'config' ? below.config(path) : (below.configList(path)[index] as ApplicationConfig),
    config,
  );
}

function answer(root: ApplicationConfig, [kind, key, path]: Query['query']): unknown {
  if (kind === 'keys') return [...part(root, (key ?? []) as readonly Step[]).keys()].sort();
  if (kind === 'toMap') return part(root, (key ?? []) as readonly Step[]).toMap();
  const config = part(root, path ?? []);
  const name = key as string;
  switch (kind) {
    case 'string':
      return config.property(name).getString();
    case 'stringOrNull':
      return config.propertyOrNull(name)?.getString() ?? null;
    case 'list':
      return config.property(name).getList();
    case 'configListSize':
      return config.configList(name).length;
    case 'map':
      return config.property(name).getMap();
    case 'type':
      return config.propertyOrNull(name)?.type ?? null;
    default:
      throw new Error(`no such query: ${kind}`);
  }
}

function check(config: ApplicationConfig, queries: readonly Query[]): void {
  for (const { query, expect: expected } of queries) {
    const { error, message } = (expected ?? {}) as { readonly error?: string; readonly message?: string };
    if (error === undefined)
      expect({ query, result: answer(config, query) }).toEqual({ query, result: expected });
    else
      expect(() => answer(config, query)).toThrow(
        expect.objectContaining({ code: 'PORTICO_PROPERTY_MISSING', message }),
      );
  }
}

let folder: TemporaryFolder;
let serial = 0;
beforeAll(() => {
  folder = new TemporaryFolder();
});
afterAll(() => folder.remove());

describe('vectors config', () => {
  it.each(vectors.map)('map: $name', ({ build, entries, queries }) => {
    const config =
      build === 'put' ? new MapApplicationConfig() : new MapApplicationConfig(entries as [string, string][]);
    if (build === 'put') for (const [path, value] of entries) config.put(path, value);
    check(config, queries);
  });

  it.each(vectors.merge)('merge: $name', ({ op, first, second, queries }) => {
    check(new MapApplicationConfig(first)[op](new MapApplicationConfig(second)), queries);
  });

  const files = [
    ...vectors.hocon.map((one) => ({ ...one, extension: 'conf' })),
    ...vectors.yaml.map((one) => ({ ...one, extension: 'yaml' })),
  ];
  it.each(files)('$extension: $name', async (one) => {
    const name = `application.${one.extension}`;
    const at = folder.write(`file-${serial++}`, { [name]: one.text });
    const reading = readConfiguration(`${at}/${name}`, one.env);
    if (one.error === undefined) return check(await reading, one.queries ?? []);
    const error: unknown = await reading.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PorticoError);
    const { code, message } = error as PorticoError;
    expect(code).toBe('PORTICO_CONFIG_INVALID');
    expect(message).toContain(one.message ?? one.messageContains ?? '');
    expect(message).toMatch(/application\.(?:conf|yaml):\d+:\d+: /);
  });

  it.each(vectors.commandLine)(
    'command line: $name',
    async ({ args, files: given, env, expect: expected }) => {
      const at = folder.write(`line-${serial++}`, given);
      const commandLine = parseCommandLine(args);
      const config = await loadConfiguration({ folder: at, commandLine, env });
      const { environment } = await EngineMain.createServer(args, { folder: at, env });
      for (const { type, host, port } of expected.connectors ?? []) {
        expect((await serverSettings(commandLine, config, at)).connectors).toContainEqual({
          scheme: type,
          host,
          port,
        });
        expect(environment.connectors).toEqual([{ scheme: type, host, port }]);
      }
      check(config, expected.queries ?? []);
      check(environment.config, expected.queries ?? []);
      if (expected.rootPath !== undefined) expect(environment.rootPath).toBe(expected.rootPath);
      if (expected.watchPaths !== undefined) expect(environment.watchPaths).toEqual(expected.watchPaths);
      if (expected.developmentMode !== undefined)
        expect(environment.developmentMode).toBe(expected.developmentMode);
    },
  );
});
