/** A connector that serves nothing and sends everybody to https, as its front needs it: plain data. */
export interface RedirectSettings {
  readonly status: RedirectStatus;
  /** Port of the address that clients are sent to; 443 is not written. */
  readonly port: number;
  /** Hosts that are redirected, `*.shop.example` for all names with one label more; others get 421. Undefined: any. */
  readonly hosts: readonly string[] | undefined;
}

/** 307 and 308 keep the method. */
export const REDIRECT_STATUSES = [301, 302, 307, 308] as const;
export type RedirectStatus = (typeof REDIRECT_STATUSES)[number];

/** `connectors[].redirect` of `host.yaml`. */
export interface RedirectConfig extends Omit<RedirectSettings, 'port'> {
  /** A port, or the name of the connector whose port counts. */
  readonly to: number | string;
}
