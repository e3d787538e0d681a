import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { FLAG_END, FrameType, nameOfType, readU16, readU32 } from '#host/exchange/frame.js';
import { FrameReader } from '#host/exchange/frame-reader.js';
import {
  checkProof,
  decodeError,
  decodeHello,
  HELLO_BYTES,
  proofOf,
  type Role,
} from '#host/exchange/hello.js';
import { sizeOfRequest, WireRequestHead, writeRequest } from '#host/exchange/request-codec.js';
import {
  checkResponse,
  fieldsOf,
  readTrailers,
  statusOf,
  writeResponse,
} from '#host/exchange/response-codec.js';
import { repositoryFolder } from '#test/support/paths.js';
import { type CollectedFrame, FrameCollector } from './frame-collector.js';

type Stated = Record<string, unknown> & { type: string; secret?: string };

const page = readFileSync(join(repositoryFolder, 'host/exchange/README.md'), 'utf8');
const examples = [...page.matchAll(/\n([^\n]+)\n\n```hex\n([^`]+)```\n```json\n([^`]+)```/g)].map(
  ([, title, hex, json]) => ({
    title: title as string,
    bytes: Buffer.from((hex as string).replace(/#.*/g, '').replace(/\s+/g, ''), 'hex'),
    stated: [JSON.parse(json as string)].flat() as Stated[],
  }),
);
const hellos: Buffer[] = [];

describe('the examples on the protocol page', () => {
  it('are found', () => {
    expect(examples).toHaveLength((page.match(/```hex/g) ?? []).length);
    expect(examples.length).toBeGreaterThan(5);
  });

  it.each(examples)('decode as stated: $title', ({ bytes, stated }) => {
    const collector = new FrameCollector();
    new FrameReader(collector).push(bytes);
    expect(collector.frames.map((frame, i) => meaningOf(frame, stated[i]))).toEqual(stated);
  });
});

function meaningOf(frame: CollectedFrame, stated: Stated | undefined): Stated {
  const { payload } = frame;
  const type = nameOfType(frame.type);
  const exchange = { type, id: frame.id, generation: frame.generation };
  const isEnd = frame.flags === FLAG_END;
  const secret = stated?.secret ?? '';
  switch (frame.type) {
    case FrameType.HELLO: {
      const role = payload[10] as Role;
      hellos.push(payload.subarray(0, HELLO_BYTES));
      const [front, instance] = hellos;
      if (front !== undefined && instance !== undefined)
        checkProof(payload.subarray(HELLO_BYTES), proofOf(role, secret, front, instance));
      const proved = instance === undefined ? {} : { secret };
      return { type, version: readU16(payload, 8), role, ...decodeHello(payload, role), ...proved };
    }
    case FrameType.PROOF:
      checkProof(payload, proofOf(1, secret, hellos[0] as Buffer, hellos[1] as Buffer));
      return { type, secret };
    case FrameType.REQUEST:
      return { ...exchange, isEnd, ...requestOf(payload) };
    case FrameType.RESPONSE:
    case FrameType.INTERIM: {
      const headEnd = checkResponse(payload, 0, payload.length);
      const again = Buffer.alloc(payload.length);
      const fields = fieldsOf(payload, 0);
      expect(writeResponse(statusOf(payload, 0), fields.flat(), again, 0)).toBe(headEnd);
      expect(again.subarray(0, headEnd)).toEqual(payload.subarray(0, headEnd));
      const body = payload.toString('utf8', headEnd);
      return { ...exchange, isEnd, status: statusOf(payload, 0), fields: fields.flat(), body };
    }
    case FrameType.DATA:
      return { ...exchange, isEnd, body: payload.toString() };
    case FrameType.END:
      return { ...exchange, trailers: readTrailers(payload, 0, payload.length)?.flat() };
    case FrameType.ABORT:
      return { ...exchange, reason: payload[0] };
    case FrameType.WINDOW:
      return { ...exchange, credit: readU32(payload, 0) };
    case FrameType.ERROR:
      return { type, ...decodeError(payload) };
    case FrameType.DRAIN:
      return { type };
    default:
      return { type, payload: payload.toString('hex') };
  }
}

function requestOf(payload: Buffer): Record<string, unknown> {
  const head = new WireRequestHead(payload, 0, payload.length);
  const again = Buffer.alloc(sizeOfRequest(head, head.path, head.contextPath));
  expect(writeRequest(head, head.path, head.contextPath, again, 0)).toBe(payload.length);
  expect(again).toEqual(payload);
  const { method, contextPath, path, query, version, authority, bodyLength, expectsContinue } = head;
  const { isSecure, remoteAddress, remotePort, localAddress, localPort } = head.connection;
  const rest = { isSecure, remoteAddress, remotePort, localAddress, localPort, fields: head.fields.flat() };
  return { method, contextPath, path, query, version, authority, bodyLength, expectsContinue, ...rest };
}
