/** A server that serves the lines of the group `connector`, over HTTP and HTTPS. */
export interface Peer {
  /** The process whose CPU time counts, its descendants with it. */
  readonly pid: number;
  /** URLs end with a slash; undefined where it does not speak the protocol. */
  readonly http: string | undefined;
  readonly https: string | undefined;
  readonly http2: string | undefined;
  stop(): Promise<unknown>;
}

/** PEM files of the certificate that all peers show. */
export interface PeerCertificate {
  readonly keyFile: string;
  readonly certFile: string;
}
