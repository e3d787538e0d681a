import { X509Certificate } from 'node:crypto';
import type { BasicOCSPResponse, CertID, SingleResponse } from 'pkijs';
import { messageOf, PorticoError } from '../../../errors.js';

type Library = typeof import('pkijs');

/** A certificate and the one that vouches for it. */
export interface IssuedPair {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
}

/** What a responder says of a certificate, after all checks. */
export interface OcspAnswer {
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly thisUpdate: Date;
  /** From then on no client believes it. */
  readonly until: Date;
}

/** Makes the question for a certificate, DER (RFC 6960 §4.1), without a nonce, so that responders can answer from a store. */
export async function makeOcspRequest(pair: IssuedPair): Promise<Buffer> {
  const library = await import('pkijs');
  const request = new library.OCSPRequest();
  request.tbsRequest.requestList = [new library.Request({ reqCert: await idOf(library, pair, SHA_1) })];
  return Buffer.from(request.toSchema(true).toBER());
}

/**
 * Checks an answer as a client does (RFC 6960 §3.2): it is about this certificate, signed by its authority or by somebody
 * the authority lets answer, and its time is now. Throws `PORTICO_OCSP_ANSWER`.
 */
export async function readOcspResponse(bytes: Buffer, pair: IssuedPair, now: Date): Promise<OcspAnswer> {
  const library = await import('pkijs');
  const basic = basicOf(library, bytes);
  await checkSignature(library, basic, pair.issuer, now);
  const single = await singleOf(library, basic, pair);
  const { thisUpdate } = single;
  const nextUpdate = single.nextUpdate as Date | undefined;
  if (thisUpdate.getTime() > now.getTime() + CLOCK_SKEW_MS)
    throw refused(
      `it is valid from ${thisUpdate.toISOString()} on only; look at the clock of this machine (${now.toISOString()})`,
    );
  if (nextUpdate !== undefined && nextUpdate <= now) throw refused(`it ended on ${nextUpdate.toISOString()}`);
  // Without an end newer answers may be there at any time (RFC 6960 §4.2.2.1).
  const until = nextUpdate ?? new Date(now.getTime() + WITHOUT_END_MS);
  return { status: statusOf(single), thisUpdate, until };
}

/** What every responder knows (RFC 5019 §2.1.1). */
const SHA_1 = 'SHA-1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const CLOCK_SKEW_MS = 300_000;
const WITHOUT_END_MS = 3_600_000;

/** RFC 6960 §4.2.1. */
const STATUS: Readonly<Record<number, string>> = {
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
};

function basicOf(library: Library, bytes: Buffer): BasicOCSPResponse {
  try {
    const response = library.OCSPResponse.fromBER(bytes);
    const { valueDec } = response.responseStatus.valueBlock;
    if (valueDec !== 0) throw refused(`the responder says ${STATUS[valueDec] ?? valueDec}`);
    if (response.responseBytes === undefined) throw refused('it is empty');
    return library.BasicOCSPResponse.fromBER(response.responseBytes.response.valueBlock.valueHexView);
  } catch (cause) {
    if (cause instanceof PorticoError) throw cause;
    throw refused(`it cannot be read: ${messageOf(cause)}`, cause);
  }
}

async function checkSignature(
  library: Library,
  basic: BasicOCSPResponse,
  issuer: X509Certificate,
  now: Date,
): Promise<void> {
  const { tbsResponseData, signature, signatureAlgorithm } = basic;
  const delegates = (basic.certs ?? [])
    .map((certificate) => new X509Certificate(Buffer.from(certificate.toSchema(true).toBER())))
    .filter((certificate) => mayAnswerFor(issuer, certificate, now));
  const crypto = library.getCrypto(true);
  for (const { raw } of [issuer, ...delegates]) {
    const { subjectPublicKeyInfo } = library.Certificate.fromBER(raw);
    try {
      const isRight = await crypto.verifyWithPublicKey(
        tbsResponseData.tbsView as Uint8Array<ArrayBuffer>,
        signature,
        subjectPublicKeyInfo,
        signatureAlgorithm,
      );
      if (isRight) return;
    } catch {
      // A key of another kind than the signature; the next one may fit.
    }
  }
  throw refused(
    'its signature is neither of the authority of the certificate nor of one that it lets answer',
  );
}

/** RFC 6960 §4.2.2.2: directly from the authority, and made for this. */
function mayAnswerFor(issuer: X509Certificate, delegate: X509Certificate, now: Date): boolean {
  return (
    delegate.checkIssued(issuer) &&
    delegate.verify(issuer.publicKey) &&
    // The extended uses, whatever the name says.
    (delegate.keyUsage as readonly string[] | undefined)?.includes(OCSP_SIGNING) === true &&
    Date.parse(delegate.validFrom) <= now.getTime() &&
    now.getTime() <= Date.parse(delegate.validTo)
  );
}

async function singleOf(
  library: Library,
  { tbsResponseData }: BasicOCSPResponse,
  pair: IssuedPair,
): Promise<SingleResponse> {
  const crypto = library.getCrypto(true);
  for (const single of tbsResponseData.responses) {
    const { name } = crypto.getAlgorithmByOID(single.certID.hashAlgorithm.algorithmId) as { name?: string };
    if (name !== undefined && single.certID.isEqual(await idOf(library, pair, name))) return single;
  }
  throw refused('it is about another certificate');
}

/** RFC 6960 §4.2.1: good [0], revoked [1], unknown [2]. */
function statusOf({ certStatus }: SingleResponse): OcspAnswer['status'] {
  const { tagNumber } = (certStatus as { readonly idBlock: { readonly tagNumber: number } }).idBlock;
  return tagNumber === 0 ? 'good' : tagNumber === 1 ? 'revoked' : 'unknown';
}

async function idOf(library: Library, { certificate, issuer }: IssuedPair, hash: string): Promise<CertID> {
  return await library.CertID.create(library.Certificate.fromBER(certificate.raw), {
    hashAlgorithm: hash,
    issuerCertificate: library.Certificate.fromBER(issuer.raw),
  });
}

function refused(reason: string, cause?: unknown): PorticoError {
  return new PorticoError(
    'PORTICO_OCSP_ANSWER',
    `The answer of the OCSP responder cannot be used: ${reason}. It is asked again later; check "tls.ocspResponder", or the authority of the certificate.`,
    { cause },
  );
}
