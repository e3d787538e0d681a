import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

/** A content coding: how bytes are made smaller, and large again. */
export interface Coding {
  /** As in Accept-Encoding and Content-Encoding. */
  readonly name: string;
  readonly encoder: () => Transform;
  readonly decoder: () => Transform;
}

export const GZIP: Coding = {
  name: 'gzip',
  encoder: () => zlib.createGzip(),
  decoder: () => zlib.createGunzip(),
};

// RFC 9110 §8.4.1.2: the zlib format, not bare deflate.
export const DEFLATE: Coding = {
  name: 'deflate',
  encoder: () => zlib.createDeflate(),
  decoder: () => zlib.createInflate(),
};

/** Quality 4: the default of 11 is for files that are compressed once. */
export const BROTLI: Coding = {
  name: 'br',
  encoder: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  decoder: () => zlib.createBrotliDecompress(),
};

/** Newer Node has it (22.15); undefined where it does not. */
export const ZSTD: Coding | undefined = zstd();

function zstd(): Coding | undefined {
  const { createZstdCompress, createZstdDecompress } = zlib as unknown as {
    readonly createZstdCompress?: () => Transform;
    readonly createZstdDecompress?: () => Transform;
  };
  if (createZstdCompress === undefined || createZstdDecompress === undefined) return undefined;
  return { name: 'zstd', encoder: createZstdCompress, decoder: createZstdDecompress };
}

/** Codings that requests may come in. */
export const KNOWN: readonly Coding[] = [GZIP, DEFLATE, BROTLI, ...(ZSTD === undefined ? [] : [ZSTD])];
