import { resolve } from 'node:path';
import type { z } from 'zod';
import { MAX_SOCKET_PATH_BYTES } from '../unix-socket-path.js';
import type { ConfigProblem } from './config-error.js';
import type { ConnectorConfig, UnixSocketConfig } from './host-config.js';
import { leaf, listenHost, port, section, show, text } from './setting-types.js';
import type { ConfigDocument } from './yaml-document.js';

/** The keys of a connector that say where it listens. */
export const connectorAddressShape = {
  host: listenHost().optional(),
  port: port().optional(),
  socket: section({
    path: text(),
    mode: fileMode().default(0o660),
    owner: text(64).optional(),
    group: text(64).optional(),
  }).optional(),
  systemd: descriptorName().optional(),
};

const DEFAULT_HOST = '0.0.0.0';
const DEFAULT_PORT = 8080;

/** Where one connector listens, as the file has it. */
type AddressSection = z.output<z.ZodObject<typeof connectorAddressShape>>;

/** Host and port with their defaults, or the socket with its path made absolute. `overrides` is the command line's. */
export function addressOf(
  given: AddressSection,
  base: string,
  overrides: { readonly host: string | undefined; readonly port: number | undefined } | undefined,
): Pick<ConnectorConfig, 'host' | 'port' | 'socket' | 'systemd'> {
  if (given.systemd !== undefined) return { host: '', port: 0, systemd: given.systemd };
  if (given.socket !== undefined) {
    const { path, mode, owner, group } = given.socket;
    const socket: UnixSocketConfig = { path: resolve(base, path), mode, owner, group };
    return { host: '', port: 0, socket };
  }
  return {
    host: overrides?.host ?? given.host ?? DEFAULT_HOST,
    port: overrides?.port ?? given.port ?? DEFAULT_PORT,
  };
}

/** What no single value of an address shows. */
export function addressProblems(
  given: readonly AddressSection[],
  connectors: readonly ConnectorConfig[],
  document: ConfigDocument,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  connectors.forEach(({ socket }, index) => {
    const section = given[index];
    if (section === undefined) return;
    const add = (key: string, message: string): void => {
      problems.push(document.problem(['connectors', index, key], message));
    };
    const [chosen, ...others] = (['systemd', 'socket', 'host', 'port'] as const).filter(
      (key) => section[key] !== undefined,
    );
    if (chosen === 'systemd' || chosen === 'socket') {
      for (const key of others) add(key, `does not go together with ${chosen}: remove one of the two`);
    }
    if (socket === undefined) return;
    const bytes = Buffer.byteLength(socket.path);
    if (bytes > MAX_SOCKET_PATH_BYTES)
      add(
        'socket',
        `the path ${socket.path} has ${bytes} bytes; the system allows ${MAX_SOCKET_PATH_BYTES}: choose a shorter one`,
      );
    const twin = connectors.slice(0, index).find((other) => other.socket?.path === socket.path);
    if (twin !== undefined)
      add(
        'socket',
        `connector ${JSON.stringify(twin.name)} listens on ${socket.path} already: choose another`,
      );
  });
  return problems;
}

/** As `FileDescriptorName=` of systemd has it. */
function descriptorName() {
  return leaf((value, fail) =>
    typeof value === 'string' && /^[\x21-\x39\x3b-\x7e]{1,255}$/.test(value)
      ? value
      : fail(
          `${show(value)} is no name of a socket of systemd: write that of FileDescriptorName=, or of the socket unit`,
        ),
  );
}

/**
 * Rights of a file as `chmod` takes them: `0660`, with or without quotes. YAML reads 0660 as the number 660 and 0o660 as
 * 432; the digits are what counts, and the owner has to have the right to read and write, so that the latter is noticed.
 */
function fileMode() {
  return leaf((value, fail) => {
    const digits = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
    if (!/^0?[67][0-7]{2}$/.test(digits))
      return fail(
        `${show(value)} is no mode that lets the owner read and write: write 0660, 0600 or 0666`,
        '0660',
      );
    return Number.parseInt(digits, 8);
  });
}
