import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Constructed, Enumerated, Integer, OctetString, Primitive } from 'asn1js';
import * as pkijs from 'pkijs';
import type { TestCertificate } from '#test/support/certificates.js';

/** What the responder says next; changed by tests while it runs. */
export interface OcspMood {
  status: 'good' | 'revoked' | 'unknown';
  /** The answer is valid from so long before now (milliseconds, may be negative) … */
  ageMs: number;
  /** … until so long after now; undefined: it does not say. */
  lifeMs: number | undefined;
  /** Instead of an answer. */
  fault: 'none' | 'hangs' | 'status 500' | 'junk' | 'huge' | 'tryLater' | 'another certificate';
}

/** An OCSP responder (RFC 6960) on loopback, which answers for every certificate it is asked about. */
export class OcspResponder {
  readonly mood: OcspMood = { status: 'good', ageMs: 60_000, lifeMs: 3_600_000, fault: 'none' };
  /** Signs the answers; the authority itself, or somebody else whose certificate goes with them. */
  signer: TestCertificate;
  readonly #authority: TestCertificate;
  /** Answers in DER, in order. */
  readonly answers: Buffer[] = [];
  questions = 0;
  readonly #server: Server;

  private constructor(authority: TestCertificate) {
    this.#authority = this.signer = authority;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(authority: TestCertificate): Promise<OcspResponder> {
    const responder = new OcspResponder(authority);
    responder.#server.listen(0, '127.0.0.1');
    await once(responder.#server, 'listening');
    return responder;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ocsp`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.questions += 1;
    const { fault } = this.mood;
    if (fault === 'hangs') return;
    response.statusCode = fault === 'status 500' ? 500 : 200;
    response.setHeader('content-type', 'application/ocsp-response');
    if (fault === 'junk') response.end('junk');
    else if (fault === 'huge') response.end(Buffer.alloc(1024 * 1024));
    else response.end(await this.#answer(Buffer.concat(chunks)));
  }

  async #answer(question: Buffer): Promise<Buffer> {
    const { fault } = this.mood;
    if (fault === 'tryLater')
      return der(new pkijs.OCSPResponse({ responseStatus: new Enumerated({ value: 3 }) }));
    const [wanted] = pkijs.OCSPRequest.fromBER(question).tbsRequest.requestList;
    if (wanted === undefined) throw new Error('the question is empty');
    const id = wanted.reqCert;
    if (fault === 'another certificate') id.serialNumber = new Integer({ value: 7 });
    const basic = new pkijs.BasicOCSPResponse();
    const own = pkijs.Certificate.fromBER(this.signer.der);
    basic.tbsResponseData.responderID = own.subject;
    basic.tbsResponseData.producedAt = new Date();
    basic.tbsResponseData.responses = [this.#single(id)];
    if (this.signer !== this.#authority) basic.certs = [own];
    const pkcs8 = this.signer.privateKey.export({ type: 'pkcs8', format: 'der' }) as Buffer;
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
    await basic.sign(key as Parameters<typeof basic.sign>[0], 'SHA-256');
    const answer = der(
      new pkijs.OCSPResponse({
        responseStatus: new Enumerated({ value: 0 }),
        responseBytes: new pkijs.ResponseBytes({
          responseType: pkijs.id_PKIX_OCSP_Basic,
          response: new OctetString({ valueHex: basic.toSchema().toBER() }),
        }),
      }),
    );
    this.answers.push(answer);
    return answer;
  }

  #single(certID: pkijs.CertID): pkijs.SingleResponse {
    const { status, ageMs, lifeMs } = this.mood;
    const now = Date.now();
    const single = new pkijs.SingleResponse({ certID, certStatus: certStatus(status) });
    single.thisUpdate = new Date(now - ageMs);
    if (lifeMs !== undefined) single.nextUpdate = new Date(now + lifeMs);
    return single;
  }
}

/** RFC 6960 §4.2.1. */
function certStatus(status: OcspMood['status']): unknown {
  if (status !== 'revoked')
    return new Primitive({ idBlock: { tagClass: 3, tagNumber: status === 'good' ? 0 : 2 } });
  const at = new pkijs.Time({ value: new Date(), type: 1 }).toSchema();
  return new Constructed({ idBlock: { tagClass: 3, tagNumber: 1 }, value: [at] });
}

function der(response: pkijs.OCSPResponse): Buffer {
  return Buffer.from(response.toSchema().toBER());
}
