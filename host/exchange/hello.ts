import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  codeOfWireError,
  MAX_EXCHANGES,
  MAX_WINDOW_BYTES,
  MIN_WINDOW_BYTES,
  PROTOCOL_VERSION,
  ProtocolViolation,
  readU16,
  readU32,
  WireError,
  writeU16,
  writeU32,
} from './frame.js';

/**
 * The handshake: both ends say HELLO, then prove that they know the secret by an HMAC over both hellos, whose nonces
 * make it new each time. The secret never crosses the wire, and the proof of one role is of no use to the other.
 */
export const Role = { FRONT: 1, INSTANCE: 2 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** Bytes of a HELLO without its proof, and of a proof. */
export const HELLO_BYTES = 52;
export const PROOF_BYTES = 32;

const MAGIC = Buffer.from('PORTICO\0', 'latin1');
const NONCE_BYTES = 32;

/** What a HELLO says. */
export interface Hello {
  /** Body bytes that the sender accepts per exchange before it has returned credit. */
  readonly windowBytes: number;
  /** Exchanges that an instance accepts at once; 0 from a front. */
  readonly maxExchanges: number;
}

/** The payload of a HELLO, without proof, with a new nonce. */
export function encodeHello(role: Role, hello: Hello, nonce: Buffer = randomBytes(NONCE_BYTES)): Buffer {
  const bytes = Buffer.alloc(HELLO_BYTES);
  MAGIC.copy(bytes, 0);
  writeU16(bytes, 8, PROTOCOL_VERSION);
  bytes[10] = role;
  writeU32(bytes, 12, hello.windowBytes);
  writeU32(bytes, 16, hello.maxExchanges);
  nonce.copy(bytes, 20);
  return bytes;
}

/** Reads the HELLO of a peer in `role`; throws a ProtocolViolation, of the kind VERSION for another version. */
export function decodeHello(payload: Buffer, role: Role): Hello {
  if (payload.length < 10 || payload.compare(MAGIC, 0, 8, 0, 8) !== 0)
    throw new ProtocolViolation('the peer does not speak the exchange protocol: its HELLO has no magic');
  const version = readU16(payload, 8);
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolViolation(
      `the peer speaks version ${version} of the exchange protocol, this end version ${PROTOCOL_VERSION}; ` +
        'run the same release of Portico on both ends',
      WireError.VERSION,
    );
  }
  const expected = role === Role.INSTANCE ? HELLO_BYTES + PROOF_BYTES : HELLO_BYTES;
  if (payload.length !== expected)
    throw new ProtocolViolation(`HELLO has ${payload.length} bytes instead of ${expected}`);
  if (payload[10] !== role || payload[11] !== 0)
    throw new ProtocolViolation(`HELLO comes from role ${payload[10]} instead of ${role}`);
  const windowBytes = readU32(payload, 12);
  const maxExchanges = readU32(payload, 16);
  if (windowBytes < MIN_WINDOW_BYTES || windowBytes > MAX_WINDOW_BYTES)
    throw new ProtocolViolation(`HELLO announces a window of ${windowBytes} bytes`);
  const isCountValid =
    role === Role.FRONT ? maxExchanges === 0 : maxExchanges > 0 && maxExchanges <= MAX_EXCHANGES;
  if (!isCountValid) throw new ProtocolViolation(`HELLO announces ${maxExchanges} exchanges`);
  return { windowBytes, maxExchanges };
}

/** Proof of `role` that it knows `secret`; the hellos are payloads without proof. */
export function proofOf(role: Role, secret: string, frontHello: Buffer, instanceHello: Buffer): Buffer {
  return createHmac('sha256', secret)
    .update(role === Role.FRONT ? 'portico exchange front\0' : 'portico exchange instance\0', 'latin1')
    .update(frontHello)
    .update(instanceHello)
    .digest();
}

/** Throws a ProtocolViolation of the kind SECRET unless the proof is right. Takes the same time for every wrong one. */
export function checkProof(proof: Buffer, expected: Buffer): void {
  if (proof.length === expected.length && timingSafeEqual(proof, expected)) return;
  throw new ProtocolViolation(
    'the peer does not know the secret of this instance; both ends must be started with the same one',
    WireError.SECRET,
  );
}

/** Payload of an ERROR frame. */
export function encodeError(error: ProtocolViolation): Buffer {
  const text = Buffer.from(error.message, 'utf8').subarray(0, 500);
  const bytes = Buffer.alloc(2 + text.length);
  writeU16(bytes, 0, error.wireError);
  text.copy(bytes, 2);
  return bytes;
}

/** Code and printable text of a received ERROR frame; never throws. */
export function decodeError(payload: Buffer): { readonly code: string; readonly text: string } {
  const code = codeOfWireError(payload.length < 2 ? WireError.PROTOCOL : readU16(payload, 0));
  return { code, text: JSON.stringify(payload.toString('utf8', 2, 502)) };
}
