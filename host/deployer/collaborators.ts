import type { Manifest } from '../bundle/manifest.js';
import type { ApplicationSettings } from '../config/host-config.js';
import type { RouteTable } from '../front/route-table.js';
import type { DeploymentProcess, DeploymentSpec } from '../supervisor/deployment-process.js';
import type { UpstreamSpec } from '../supervisor/upstream-watch.js';
import type { ContentFact } from './plan/foresee.js';
import type { Candidate } from './scan/candidate.js';

/**
 * What the deployer works with. It owns none of these: the server makes them, hands them over, and stops them after
 * the deployer.
 */
export interface Collaborators {
  readonly launcher: Launcher;
  readonly routes: RouteTable;
  readonly store: ContentStore;
  readonly readManifest: ManifestReader;
  /** Looks into a bundle without taking it; never rejects. */
  readonly inspect: (candidate: Candidate) => Promise<ContentFact>;
  /** True when the archive has its end: a central directory, or the end of the compressed tar. */
  readonly isArchiveComplete: (path: string) => Promise<boolean>;
  readonly log: DeployerLog;
  /** Deletes what the drop folder has under a name; default `removeBundle`. */
  readonly removeBundle?: ((appsFolder: string, name: string) => Promise<void>) | undefined;
}

/** Starts processes, and watches what runs elsewhere; the supervisor. */
export interface Launcher {
  launch(spec: DeploymentSpec): DeploymentProcess;
  /** Asks servers elsewhere for their health. */
  watchUpstreams(spec: UpstreamSpec): DeploymentProcess;
}

/** Expanded bundles by content; the bundle store. */
export interface ContentStore {
  /**
   * Expands or copies; the same content gives the same fingerprint and the same folder. Throws `PORTICO_BUNDLE_CHANGED`
   * when the files change meanwhile, which is no failure.
   */
  put(
    source: { readonly kind: 'folder' | 'archive'; readonly path: string },
    signal: AbortSignal,
    /** Called when the whole bundle has been read and its fingerprint is known, before it is expanded. */
    fingerprinted?: (fingerprint: string) => void,
  ): Promise<{
    readonly fingerprint: string;
    readonly folder: string;
    readonly notes: readonly string[];
  }>;
  /** The folder of a content that is in the store. */
  find(fingerprint: string): string | undefined;
  /** Deletes everything but these fingerprints and what `put` gives out meanwhile. */
  collect(inUse: ReadonlySet<string>): Promise<void>;
}

/** Reads and checks what an expanded bundle is and wants. */
export type ManifestReader = (input: {
  /** Expanded bundle; absolute. Undefined for an application that is only a descriptor. */
  readonly folder: string | undefined;
  /** `NAME.yaml` of the operator; absolute. */
  readonly operatorDescriptor: string | undefined;
  readonly defaults: ApplicationSettings;
}) => Promise<Manifest>;

/** One line per event; pino's logger is one. */
export interface DeployerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
