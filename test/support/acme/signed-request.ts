import type { IncomingMessage } from 'node:http';
import { flattenedVerify, importJWK, type JWK } from 'jose';

/** An error as ACME says it (RFC 8555 §6.7). */
export class AcmeProblem extends Error {
  readonly status: number;
  readonly type: string;
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, type: string, detail: string, fields: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.type = type;
    this.fields = fields;
  }
}

/** A request whose signature is right. */
export interface SignedRequest {
  readonly nonce: string;
  readonly kid: string | undefined;
  readonly jwk: Readonly<Record<string, unknown>> | undefined;
  /** Undefined: the request only reads (RFC 8555 §6.3). */
  readonly payload: Readonly<Record<string, unknown>> | undefined;
}

/** Reads a request and checks what RFC 8555 §6.2 wants of it, but not its nonce. */
export async function readSignedRequest(
  request: IncomingMessage,
  url: string,
  keyOf: (kid: string) => Readonly<Record<string, unknown>> | undefined,
): Promise<SignedRequest> {
  if (request.headers['content-type'] !== 'application/jose+json')
    throw new AcmeProblem(415, 'malformed', 'the type must be application/jose+json');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as {
    protected: string;
    payload: string;
    signature: string;
  };
  const head = JSON.parse(Buffer.from(body.protected, 'base64url').toString()) as {
    alg: string;
    nonce: string;
    url: string;
    kid?: string;
    jwk?: Readonly<Record<string, unknown>>;
  };
  if (head.url !== url) throw new AcmeProblem(401, 'unauthorized', `the signature is for ${head.url}`);
  if ((head.kid === undefined) === (head.jwk === undefined))
    throw new AcmeProblem(400, 'malformed', 'either kid or jwk is needed');
  const key = head.jwk ?? keyOf(head.kid ?? '');
  if (key === undefined) throw new AcmeProblem(400, 'accountDoesNotExist', 'there is no such account');
  try {
    const options = { algorithms: ['ES256', 'ES384', 'RS256'] };
    await flattenedVerify(body, await importJWK(key as JWK, head.alg), options);
  } catch (error) {
    throw new AcmeProblem(401, 'unauthorized', `the signature is wrong: ${(error as Error).message}`);
  }
  const text = Buffer.from(body.payload, 'base64url').toString();
  const payload = text === '' ? undefined : (JSON.parse(text) as Readonly<Record<string, unknown>>);
  return { nonce: head.nonce, kid: head.kid, jwk: head.jwk, payload };
}

/** Checks that a new account is bound to one that is known (RFC 8555 §7.3.4). `known`: identifier to key in base64url. */
export async function checkBinding(
  binding: unknown,
  accountKey: Readonly<Record<string, unknown>>,
  url: string,
  known: Readonly<Record<string, string>>,
): Promise<void> {
  if (binding === undefined)
    throw new AcmeProblem(403, 'externalAccountRequired', 'an external account is needed');
  const body = binding as { protected: string; payload: string; signature: string };
  const head = JSON.parse(Buffer.from(body.protected, 'base64url').toString()) as {
    kid: string;
    url: string;
  };
  const key = known[head.kid];
  if (key === undefined || head.url !== url)
    throw new AcmeProblem(401, 'unauthorized', `the external account ${head.kid} is not known`);
  const bound = JSON.parse(Buffer.from(body.payload, 'base64url').toString()) as Record<string, unknown>;
  if (bound['x'] !== accountKey['x'])
    throw new AcmeProblem(401, 'unauthorized', 'the binding is for another key');
  try {
    await flattenedVerify(body, Buffer.from(key, 'base64url'), { algorithms: ['HS256'] });
  } catch (error) {
    throw new AcmeProblem(401, 'unauthorized', `the binding is not signed well: ${(error as Error).message}`);
  }
}
