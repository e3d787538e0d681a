import { resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../errors.js';
import type { ConfigPath, ConfigProblem } from './config-error.js';
import { readSmallText } from './read-text.js';
import { duration, text } from './setting-types.js';
import type { ConfigDocument } from './yaml-document.js';

/** How something answers that is closed for maintenance. */
export interface MaintenanceSettings {
  /** HTML of the operator. Absent: a plain page. */
  readonly page?: string;
  readonly retryAfterSeconds: number;
}

/** What `host.yaml` closes for maintenance. */
export interface ConfiguredMaintenance {
  /** The whole host. */
  readonly host?: MaintenanceSettings;
  /** Virtual hosts, by name. */
  readonly virtualHosts: Readonly<Record<string, MaintenanceSettings>>;
}

/** Every front holds the page, once for each context that is closed. */
const MAX_PAGE_BYTES = 64 * 1024;
export const DEFAULT_RETRY_AFTER_SECONDS = 300;

/**
 * `true`, or a section: `page`, an HTML file of at most 64 KiB, relative to the base folder (default: a plain page), and
 * `retryAfter`, from 1 s, default 5m. `false` is as if it were not there.
 */
export const maintenanceSchema = z.preprocess(
  (value) => {
    if (value === true || value === 'true') return {};
    return value === false || value === 'false' || value === null ? undefined : value;
  },
  z
    .strictObject({
      page: text().optional(),
      retryAfter: duration({ min: 1000 }).default(DEFAULT_RETRY_AFTER_SECONDS * 1000),
    })
    .optional(),
);

type Section = z.output<typeof maintenanceSchema>;

/** The keys of `host.yaml` that close something. */
interface Sections {
  readonly maintenance?: Section;
  readonly hosts?: readonly { readonly name: string; readonly maintenance?: Section }[] | undefined;
}

/** What the file closes, with the content of its pages; undefined: nothing. Pages that cannot be used are problems. */
export function configuredMaintenance(
  { maintenance, hosts = [] }: Sections,
  base: string,
  document: ConfigDocument,
): { readonly maintenance: ConfiguredMaintenance | undefined; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const read = (section: Section, at: ConfigPath): MaintenanceSettings | undefined => {
    if (section === undefined) return undefined;
    const retryAfterSeconds = Math.ceil(section.retryAfter / 1000);
    if (section.page === undefined) return { retryAfterSeconds };
    try {
      return { page: readPage(resolve(base, section.page)), retryAfterSeconds };
    } catch (error) {
      problems.push(document.problem([...at, 'page'], messageOf(error)));
      return undefined;
    }
  };
  const host = read(maintenance, ['maintenance']);
  const closed = hosts.map(
    ({ name, maintenance }, index) => [name, read(maintenance, ['hosts', index, 'maintenance'])] as const,
  );
  const virtualHosts = Object.fromEntries(
    closed.flatMap(([name, settings]) => (settings === undefined ? [] : [[name, settings]])),
  );
  const isOpen = host === undefined && Object.keys(virtualHosts).length === 0;
  const found = { ...(host === undefined ? {} : { host }), virtualHosts };
  return { maintenance: isOpen ? undefined : found, problems };
}

/** The content of a page. Throws as `readSmallText`. */
export function readPage(path: string): string {
  return readSmallText(path, MAX_PAGE_BYTES);
}
