import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '../config/connector-limits.js';
import { sealCaller } from '../front/calls/call-token.js';
import type { CallRights } from '../instance/messages.js';
import type { CallGrants } from '../supervisor/call-grants.js';
import { SocketFolder } from '../supervisor/socket-folder.js';
import { InstanceFolder } from '../supervisor/surroundings/instance-folder.js';
import type { FrontConnector } from './front-process.js';
import { ListeningSocket } from './listening-socket.js';

/** No connector of an operator can have this name. */
const NAME = '(calls)';

/**
 * The one socket over which applications call each other, and the proofs of those that may. Nothing of it is there before
 * the first such process starts. Owned by the server, which closes it when the fronts have ended.
 */
export class ApplicationCalls implements CallGrants {
  readonly #runFolder: string;
  readonly #add: (connector: FrontConnector) => void;
  readonly #key = randomBytes(32);
  #place: Place | undefined;
  #isForOthers = false;
  #socket: ListeningSocket | undefined;
  #opened: Promise<void> | undefined;

  /** `add` gives the socket to the fronts, which own it from there. */
  constructor(runFolder: string, add: (connector: FrontConnector) => void) {
    this.#runFolder = runFolder;
    this.#add = add;
  }

  grant({ application, instance, calls, isOther }: Parameters<CallGrants['grant']>[0]): CallRights {
    if (isOther) this.#letOthersIn();
    const { socketPath } = this.#made().own;
    return { socketPath, token: sealCaller(this.#key, { application, instance, calls }) };
  }

  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Deletes what is left of it. */
  async remove(): Promise<void> {
    await this.#place?.own.remove();
    this.#place?.folder.remove();
  }

  async #open(): Promise<void> {
    const { own } = this.#made();
    const mode = this.#isForOthers ? 0o666 : 0o600;
    const address = { path: own.socketPath, mode, owner: undefined, group: undefined };
    const socket = await ListeningSocket.openUnix(NAME, address);
    this.#socket = socket;
    // While it was made somebody may have come.
    if (this.#isForOthers) chmodSync(own.socketPath, 0o666);
    this.#add({ socket, settings: { limits: LIMITS }, callKey: this.#key.toString('hex') });
  }

  /**
   * Only a host of root has applications with users of their own. They may not enter its folders, so then the socket lies in
   * one of a name that nobody can guess; the proof is what counts.
   */
  #made(): Place {
    if (this.#place !== undefined) return this.#place;
    const folder = new SocketFolder(this.#runFolder);
    const own = new InstanceFolder(folder.next(), process.geteuid?.() === 0);
    own.create(undefined);
    this.#place = { folder, own };
    return this.#place;
  }

  #letOthersIn(): void {
    if (this.#isForOthers) return;
    this.#isForOthers = true;
    const { socketPath } = this.#made().own;
    chmodSync(dirname(socketPath), 0o711);
    if (this.#socket !== undefined) chmodSync(socketPath, 0o666);
  }
}

interface Place {
  readonly folder: SocketFolder;
  readonly own: InstanceFolder;
}

const HOUR_MS = 3_600_000;

/**
 * Callers are applications of this host, not strangers: streams may pause, and nobody is slow on purpose. The proof of a
 * caller with a long list is a long field. Clients of HTTP end idle connections themselves, long before.
 */
const LIMITS: ConnectorLimits = {
  ...DEFAULT_CONNECTOR_LIMITS,
  maxHeaderBytes: 64 * 1024,
  bodyIdleTimeoutMs: HOUR_MS,
  minBodyBytesPerSecond: 0,
  minReadBytesPerSecond: 0,
  keepAliveTimeoutMs: HOUR_MS,
};
