import type { ContextName } from '../../bundle/context-name.js';

/**
 * What one look at the drop folder found, as plain data: the scanner makes it, the plan judges it. Everything of one
 * application lies under its base name: `shop/`, `shop.tgz`, `shop.yaml` and `shop.ready` are one candidate `shop`.
 */
export type Scan =
  /** The folder could not be listed. Says nothing about the applications in it. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  | {
      readonly kind: 'listed';
      /** Device and inode of the drop folder; another one means another folder under the same name. */
      readonly identity: string;
      /** In order of name. */
      readonly candidates: readonly Candidate[];
      /** Entries that can never be an application, with the reason, in order of name. */
      readonly refused: readonly RefusedEntry[];
    };

/** One application in the drop folder. */
export interface Candidate {
  /** Base name with version: `foo#bar##2`. */
  readonly name: string;
  /** Place and version it asks for; `servlet.host` and `servlet.context` of the descriptor are taken into account. */
  readonly context: ContextName;
  /** Where its content could come from; the first one is the truth, the others are ignored. */
  readonly sources: readonly CandidateSource[];
  readonly descriptor: DescriptorFile | undefined;
  readonly marker: MarkerFile | undefined;
}

/** A folder, an archive, or the descriptor alone when it names a server elsewhere. */
export interface CandidateSource {
  readonly kind: 'folder' | 'archive' | 'descriptor';
  /** Absolute. */
  readonly path: string;
  /** Changes whenever the content may have changed; equal signatures mean equal content. */
  readonly signature: string;
  /** Archives: the directory or end mark is there. Folders: true. */
  readonly complete: boolean;
  /** Time since the last change of the newest file by its change time, 0 when that lies in the future. */
  readonly quietMs: number;
  /** Why it cannot be read: a sentence with the path and what to do; then `signature` is empty. */
  readonly problem: string | undefined;
}

/** `NAME.yaml` in the drop folder. */
export interface DescriptorFile {
  readonly path: string;
  readonly signature: string;
  /** Hash of its bytes; `` when it could not be read. */
  readonly content: string;
  readonly quietMs: number;
  /** Why it cannot be read, in words. */
  readonly problem: string | undefined;
  /** The host is not ready without this application; known also while its bundle is not. */
  readonly required?: boolean | undefined;
}

/** `NAME.ready` in the drop folder: the operator says that the bundle is whole. */
export interface MarkerFile {
  readonly path: string;
  readonly signature: string;
}

/** An entry that is not accepted as an application. */
export interface RefusedEntry {
  /** The entry as listed; may hold any character. */
  readonly entry: string;
  readonly code: string;
  readonly reason: string;
}

/**
 * Signature of everything a candidate consists of, or of why it cannot be read; undefined when it has no bundle. A
 * change of it is a reason to look closer, not yet a reason to deploy.
 */
export function signatureOf(candidate: Candidate): string | undefined {
  const source = candidate.sources[0];
  if (source === undefined) return undefined;
  const content = source.problem === undefined ? source.signature : `!${source.problem}`;
  // Virtual hosts that come and go move an application whose files stay as they are.
  const host = candidate.context.host ?? '';
  return `${source.path}=${content};${candidate.descriptor?.signature ?? ''}${host === '' ? '' : `;${host}`}`;
}
