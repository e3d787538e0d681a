import type { CallRights } from '../instance/messages.js';
import type { DeploymentSpec } from './deployment-process.js';

/** Gives processes the right to call other applications. Implemented by the server. */
export interface CallGrants {
  /** What a process gets that may call these applications. `isOther`: it has not the user of the host. */
  grant(caller: {
    readonly application: string;
    readonly instance: string;
    readonly calls: readonly string[];
    readonly isOther: boolean;
  }): CallRights;
  /** Resolves when calls are taken. Rejects with what the system says; then no process may start that is to call. */
  open(): Promise<void>;
}

/** The rights of one process of a deployment; undefined: it may call nobody. */
export function callRightsOf(
  grants: CallGrants | undefined,
  { application, manifest }: DeploymentSpec,
  instance: string,
): CallRights | undefined {
  const { calls = [], isolation } = manifest.settings;
  if (calls.length === 0) return undefined;
  const isOther = isolation.user !== undefined || isolation.group !== undefined;
  return grants?.grant({ application, instance, calls, isOther });
}

/** How a program without an agent is told: there is no other way. */
export function callEnvironment(rights: CallRights | undefined): Readonly<Record<string, string>> {
  if (rights === undefined) return {};
  const { socketPath, token } = rights;
  return { PORTICO_CALLS_SOCKET: socketPath, PORTICO_CALLS_TOKEN: token };
}
