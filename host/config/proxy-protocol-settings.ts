/** Which load balancers begin connections with a header of the PROXY protocol. Plain data. */
export interface ProxyProtocolSettings {
  /** Addresses, ranges, and `unix` for the other end of a Unix socket. */
  readonly from: readonly string[];
  /** False: connections of others, and those without a header, are served as well. Default true. */
  readonly required: boolean;
  /** From the acceptance to the end of the header, in total. Default 5s. */
  readonly timeoutMs: number;
}
