import type { ApplicationSettings } from '../config/host-config.js';
import type { RedirectStatus } from '../config/redirect-settings.js';

/**
 * What one version of a bundle is and wants: the developer's descriptor (`application.yaml` in the bundle), the
 * operator's (`apps/NAME.yaml`, wins), `package.json` and what lies in the folder, brought together and checked.
 */
export interface Manifest {
  /** How the bundle answers. */
  readonly entry: /** Framework modules, `dist/shop.js#shopModule`; the files or packages exist inside the bundle. */
    | { readonly kind: 'modules'; readonly modules: readonly string[] }
    /** Absolute path of the Node entry; inside the bundle. */
    | { readonly kind: 'main'; readonly main: string }
    /**
     * A program that serves HTTP by itself, and its arguments. One with a slash in its name is an absolute path; another is
     * looked for in PATH when it starts.
     */
    | {
        readonly kind: 'command';
        readonly command: readonly string[];
        /** It gets `PORT`, or the path of a Unix socket as `PORTICO_SOCKET`. */
        readonly listen: 'port' | 'socket';
      }
    /** Absolute folder; inside the bundle. */
    | { readonly kind: 'static'; readonly folder: string }
    /** One or several servers elsewhere that do the same: `http://127.0.0.1:9000`. */
    | { readonly kind: 'upstream'; readonly urls: readonly string[] }
    /** Clients are sent elsewhere: a path of this host, or a URL without query, both without a slash at the end. */
    | {
        readonly kind: 'redirect';
        readonly to: string;
        readonly status: RedirectStatus;
        /** The rest of the path and the query are kept behind it. */
        readonly keepsPath: boolean;
      };
  /** Context path asked for by `servlet.context` of the operator's descriptor; undefined: from the name. */
  readonly contextPath: string | undefined;
  /** The operator's descriptor lets the application know what is mounted (`servlet.catalog`). Default false. */
  readonly seesCatalog: boolean;
  readonly settings: ApplicationSettings;
  /** `.env` of the bundle: variables that nobody else has set. Without `PORTICO_…`. */
  readonly dotEnv?: Readonly<Record<string, string>> | undefined;
  /** The whole configuration tree for `environment.config`, plain JSON data. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where each value of `config` was written, `application.yaml:3`, by its dotted path. */
  readonly configOrigins?: Readonly<Record<string, string>> | undefined;
  /** Things worth a log line: ignored keys such as `deployment.port`. */
  readonly notes: readonly string[];
}
