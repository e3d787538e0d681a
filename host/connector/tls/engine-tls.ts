import { createServer, type TlsOptions } from 'node:tls';
import type { SecureServers } from './secure-servers.js';

/** TLS of an application on its own, as `node:tls` takes it. */
export interface EngineTls {
  readonly options: TlsOptions;
}

/** Protocols are those of the options, if they name any. Throws what OpenSSL says about key and certificate. */
export function createEngineServers({ options }: EngineTls, protocols: readonly string[]): SecureServers {
  const server = createServer({ ALPNProtocols: [...protocols], ...options });
  return {
    serverFor: () => server,
    challenges: undefined,
    setOf: undefined,
  };
}
