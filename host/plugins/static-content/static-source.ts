/** A file of static content, as functions of the configuration see it. */
export interface StaticFile {
  /** Path within the folder or archive, with `/`: `css/site.css`. */
  readonly path: string;
  /** Bytes. */
  readonly length: number;
  /** Time of the last change, in milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/** A file that can be sent. */
export interface StaticResource extends StaticFile {
  /** Changes with the content, as far as that can be seen without reading it. */
  readonly version: string;
  /** The bytes from `first` to `last`, both included. Nothing is opened before the first read. */
  read(first: number, last: number): AsyncIterable<Uint8Array>;
}

/** Where static content lies. Shared by all calls. */
export interface StaticSource {
  /** What lies at these names, which are checked: a file, a folder, or nothing that may be served. */
  find(names: readonly string[]): Promise<StaticResource | 'folder' | undefined>;
}
