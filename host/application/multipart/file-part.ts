import type { Readable } from 'node:stream';

/**
 * A file of a multipart form. Its bytes come while they are read, no faster; they are written nowhere unless `saveTo`
 * is called. What is not read when the next part is asked for is dropped.
 */
export class FilePart {
  readonly kind = 'file';
  readonly name: string;
  /** Without folders; `''` where a browser sends a file input in which nothing was chosen. Never trust it as a path. */
  readonly fileName: string;
  /** As the client claims; `application/octet-stream` when it says nothing. */
  readonly contentType: string;
  /** Fails with the error of the form: too large, malformed, aborted. */
  readonly stream: Readable;

  constructor(name: string, fileName: string, contentType: string, stream: Readable) {
    this.name = name;
    this.fileName = fileName;
    this.contentType = contentType;
    this.stream = stream;
  }

  /** The whole file in memory; the limit of the form for files holds. */
  async bytes(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.stream as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /**
   * Writes the file to a path that does not exist yet, and gives its length in bytes. The path is the program's choice:
   * `fileName` belongs to the client. When the form fails, what was written is removed.
   */
  async saveTo(path: string): Promise<number> {
    const { saveStream } = await import('./save-stream.js');
    return saveStream(this.stream, path);
  }
}
