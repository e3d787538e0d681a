import { ApplicationStopped } from '../application/application-events.js';
import { configureBy } from '../application/configure.js';
import type { Route } from '../routing/route.js';
import { FolderSource } from './static-content/folder-source.js';
import { checkStatic, StaticContentConfig } from './static-content/static-config.js';
import { StaticResponder } from './static-content/static-responder.js';
import type { StaticSource } from './static-content/static-source.js';
import { ZipSource } from './static-content/zip-source.js';

export type { CacheControl } from '../http/cache-control.js';
export type { EntityTag } from '../http/entity-tag.js';
export { type PreCompression, StaticContentConfig } from './static-content/static-config.js';
export type { StaticFile } from './static-content/static-source.js';

/**
 * Serves the files of a folder below `path`. Any other route that fits wins. Names that begin with a dot, links out of
 * the folder and what describes a bundle (`package.json`, `application.yaml`) do not exist; `..` is 400.
 *
 * ```ts
 * routing(application, (r) => {
 *   staticFiles(r, '/assets', 'public', (config) => {
 *     config.preCompressed('br', 'gzip');
 *     config.cacheControl = () => [{ type: 'max-age', maxAgeSeconds: 3600 }];
 *   });
 * });
 * ```
 *
 * `folder` is relative to the working directory, which for bundles is their folder. Ranges and conditions need the
 * plugins `PartialContent` and `ConditionalHeaders`.
 */
export function staticFiles<Outer>(
  route: Route<Outer>,
  path: string,
  folder: string,
  configure: (config: StaticContentConfig) => void = () => undefined,
): Route {
  return serve(route as unknown as Route, path, new FolderSource(folder), configured(configure));
}

/** Options of `staticZip`. */
export class StaticZipConfig extends StaticContentConfig {
  /** Folder in the archive. Default its root. */
  basePath = '';
}

/** As `staticFiles`, from a zip file. When the file changes, the new one is served. */
export function staticZip<Outer>(
  route: Route<Outer>,
  path: string,
  zipFile: string,
  configure: (config: StaticZipConfig) => void = () => undefined,
): Route {
  const config = new StaticZipConfig();
  configureBy(configure, config, () => STATIC);
  const source = new ZipSource(zipFile, config.basePath);
  const { monitor, log } = route.root.application;
  monitor.subscribe(ApplicationStopped, () => {
    source.close().catch((error: unknown) => log.error(`${zipFile} could not be closed.`, error));
  });
  return serve(route as unknown as Route, path, source, config);
}

/** Options of `singlePageApplication`. */
export class SinglePageApplicationConfig extends StaticContentConfig {
  /** Where the application is. Default `/`. */
  applicationRoute = '/';
  /** Folder of its files. Default the working directory. */
  filesPath = '.';
  /** Served for every path at which no file lies. Default `index.html`. */
  defaultPage = 'index.html';

  /** Files that are built by React, in this folder. */
  react(filesPath: string): void {
    this.filesPath = filesPath;
  }

  /** Files that are built by Angular, in this folder. */
  angular(filesPath: string): void {
    this.filesPath = filesPath;
  }

  /** Files that are built by Vue, in this folder. */
  vue(filesPath: string): void {
    this.filesPath = filesPath;
  }

  /** Paths that are picked here are 403. */
  ignoreFiles(ignores: (path: string) => boolean): void {
    this.exclude(ignores);
  }
}

/**
 * Serves an application that routes in the browser: files, and its page for all other paths. Routes of the server win.
 *
 * ```ts
 * routing(application, (r) => {
 *   r.get('/api/items', () => items);
 *   singlePageApplication(r, (config) => config.react('dist'));
 * });
 * ```
 */
export function singlePageApplication<Outer>(
  route: Route<Outer>,
  configure: (config: SinglePageApplicationConfig) => void = () => undefined,
): Route {
  const config = new SinglePageApplicationConfig();
  configureBy(configure, config, () => STATIC);
  config.default ??= config.defaultPage;
  return serve(
    route as unknown as Route,
    config.applicationRoute,
    new FolderSource(config.filesPath),
    config,
  );
}

const TAIL = 'static-content-path';
const STATIC = 'static content';

function configured(configure: (config: StaticContentConfig) => void): StaticContentConfig {
  const config = new StaticContentConfig();
  configureBy(configure, config, () => STATIC);
  return config;
}

function serve(route: Route, path: string, source: StaticSource, config: StaticContentConfig): Route {
  checkStatic(config);
  const site = new StaticResponder(source, config);
  const files = (route.route(path) as unknown as Route)
    .lowPriority()
    .route(`{${TAIL}...}`) as unknown as Route;
  for (const method of config.enableAutoHeadResponse ? ['GET', 'HEAD'] : ['GET'])
    files.method(method).handle((call) => site.answer(call, call.pathParameters.getAll(TAIL) ?? []));
  return files;
}
