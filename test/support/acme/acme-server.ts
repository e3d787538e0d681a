import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import {
  type Authority,
  issueAuthority,
  issueCertificate,
} from '#host/server/certificates/issue-certificate.js';
import {
  AcmeProblem,
  checkBinding,
  readSignedRequest,
  type SignedRequest,
} from '#test/support/acme/signed-request.js';
import { validateHttp, validateTls } from '#test/support/acme/validation.js';

/** What the server does wrong, or says on purpose; changed by tests while it runs. */
export interface AcmeFaults {
  /** So many of the next signed requests are told that their nonce is bad. */
  badNonces: number;
  /** So many of the next orders are refused with 429 and this `Retry-After`. */
  rateLimits: number;
  retryAfterSeconds: number;
  /** Connections are cut without an answer. */
  isDown: boolean;
  /** Finalized orders become invalid. */
  failsOrders: boolean;
  /** Times that an authorization and an order stay in progress when asked. */
  pendingPolls: number;
  /** Forgets every account at the next signed request. */
  forgetsAccounts: boolean;
  /** So many of the next signed requests are answered with 500 and a page of HTML. */
  serverErrors: number;
}

interface Account {
  readonly url: string;
  readonly jwk: Readonly<Record<string, unknown>>;
  contact: readonly string[];
}

interface Challenge {
  readonly id: string;
  readonly type: 'http-01' | 'tls-alpn-01';
  readonly token: string;
  status: 'pending' | 'processing' | 'valid' | 'invalid';
  error?: { type: string; detail: string };
}

interface Authorization {
  readonly id: string;
  readonly host: string;
  readonly challenges: readonly Challenge[];
  polls: number;
}

interface Order {
  readonly id: string;
  readonly account: Account;
  readonly authorizations: readonly Authorization[];
  status: 'pending' | 'processing' | 'valid' | 'invalid';
  polls: number;
  certificate?: string;
}

/**
 * A certification authority that speaks ACME (RFC 8555, RFC 8737) over https on loopback: checks every signature and nonce,
 * validates by connecting to the ports it was told, and issues what the request asks for.
 */
export class AcmeServer {
  /** Of the CA that issues, and of the server's own https; clients must be told to trust it. */
  readonly authority: Authority;
  /** Where hosts are said to be: every host is here on loopback. */
  readonly ports = { http: 0, tls: 0 };
  readonly faults: AcmeFaults = {
    badNonces: 0,
    rateLimits: 0,
    retryAfterSeconds: 1,
    isDown: false,
    failsOrders: false,
    pendingPolls: 1,
    forgetsAccounts: false,
    serverErrors: 0,
  };
  /** Accounts are made only for these: identifier to key in base64url (RFC 8555 §7.3.4). Undefined: for everybody. */
  externalAccounts: Readonly<Record<string, string>> | undefined;
  /** How long clients are to wait between two looks at an authorization; undefined: it does not say. */
  pollSeconds: number | undefined;
  /** Awaited before a challenge is looked at. */
  beforeValidation: () => Promise<void> = async () => undefined;
  /** How long issued certificates are valid; they began as long ago as `ageMs`. */
  lifetimeMs = 90 * 86_400_000;
  ageMs = 0;
  /** Certificates in PEM, in the order they were issued. */
  readonly issued: string[] = [];
  /** `POST /new-order 201`, in order. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #nonces = new Set<string>();
  readonly accounts = new Map<string, Account>();
  readonly #orders = new Map<string, Order>();
  readonly #authorizations = new Map<string, Authorization>();

  private constructor(authority: Authority, own: { certificatePem: string; keyPem: string }) {
    this.authority = authority;
    this.#server = createServer({ cert: own.certificatePem, key: own.keyPem }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<AcmeServer> {
    const [begin, end] = [new Date(Date.now() - 86_400_000), new Date(Date.now() + 400 * 86_400_000)];
    const authority = await issueAuthority('Test authority', 'ec-p256', begin, end);
    const content = { names: ['127.0.0.1'], keyType: 'ec-p256', notBefore: begin, notAfter: end } as const;
    const server = new AcmeServer(authority, await issueCertificate(content, authority));
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get directoryUrl(): string {
    return `${this.url}/directory`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.faults.isDown) {
      request.socket.destroy();
      return;
    }
    const path = request.url ?? '/';
    let answer: Answer;
    try {
      answer = request.method === 'POST' ? await this.#post(path, request) : this.#get(path);
    } catch (error) {
      if (!(error instanceof AcmeProblem)) throw error;
      answer = {
        status: error.status,
        body: {
          type: `urn:ietf:params:acme:error:${error.type}`,
          detail: error.message,
          status: error.status,
        },
        type: 'application/problem+json',
        fields: error.fields,
      };
    }
    this.requests.push(`${request.method} ${path} ${answer.status}`);
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {});
    response.writeHead(answer.status, {
      'replay-nonce': this.#newNonce(),
      'cache-control': 'no-store',
      'content-type': answer.type ?? 'application/json',
      link: `<${this.directoryUrl}>;rel="index"`,
      ...answer.fields,
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  }

  #get(path: string): Answer {
    if (path === '/new-nonce') return { status: 200 };
    if (path !== '/directory') throw new AcmeProblem(404, 'malformed', 'there is no such resource');
    const at = (name: string) => `${this.url}/${name}`;
    const meta = { termsOfService: at('terms') };
    return {
      status: 200,
      body: { newNonce: at('new-nonce'), newAccount: at('new-account'), newOrder: at('new-order'), meta },
    };
  }

  async #post(path: string, request: IncomingMessage): Promise<Answer> {
    if (this.faults.forgetsAccounts) {
      this.faults.forgetsAccounts = false;
      this.accounts.clear();
    }
    if (this.faults.serverErrors > 0) {
      this.faults.serverErrors -= 1;
      return { status: 500, body: '<html>', type: 'text/html' };
    }
    const signed = await readSignedRequest(
      request,
      `${this.url}${path}`,
      (kid) => this.accounts.get(kid)?.jwk,
    );
    if (!this.#nonces.delete(signed.nonce) || this.faults.badNonces > 0) {
      this.faults.badNonces -= 1;
      throw new AcmeProblem(400, 'badNonce', 'this nonce is not known');
    }
    if (path === '/new-account') return await this.#newAccount(signed);
    const account = this.accounts.get(signed.kid ?? '');
    if (account === undefined) throw new AcmeProblem(400, 'malformed', 'a key identifier is needed here');
    const [, kind, id = ''] = path.split('/');
    switch (kind) {
      case 'account':
        account.contact = (signed.payload?.['contact'] as string[] | undefined) ?? account.contact;
        return { status: 200, body: { status: 'valid', contact: account.contact } };
      case 'new-order':
        return this.#newOrder(account, signed);
      case 'authorization':
        return {
          status: 200,
          body: this.#show(this.#found(this.#authorizations, id)),
          ...(this.pollSeconds !== undefined && { fields: { 'retry-after': String(this.pollSeconds) } }),
        };
      case 'challenge':
        return await this.#challenge(account, id);
      case 'order':
        return { status: 200, body: this.#showOrder(this.#orderOf(account, id)) };
      case 'finalize':
        return await this.#finalize(this.#orderOf(account, id), signed);
      case 'certificate':
        return {
          status: 200,
          body: this.#orderOf(account, id).certificate ?? '',
          type: 'application/pem-certificate-chain',
        };
      default:
        throw new AcmeProblem(404, 'malformed', 'there is no such resource');
    }
  }

  async #newAccount({ jwk, payload }: SignedRequest): Promise<Answer> {
    if (jwk === undefined) throw new AcmeProblem(400, 'malformed', 'a key is needed here');
    const same = [...this.accounts.values()].find((one) => JSON.stringify(one.jwk) === JSON.stringify(jwk));
    if (same !== undefined) {
      return {
        status: 200,
        body: { status: 'valid', contact: same.contact },
        fields: { location: same.url },
      };
    }
    // RFC 8555 §7.3.
    if (payload?.['termsOfServiceAgreed'] !== true)
      throw new AcmeProblem(403, 'unauthorized', 'the terms of service were not agreed to');
    if (this.externalAccounts !== undefined)
      await checkBinding(
        payload['externalAccountBinding'],
        jwk,
        `${this.url}/new-account`,
        this.externalAccounts,
      );
    const contact = (payload['contact'] as string[] | undefined) ?? [];
    if (!contact.every((one) => one.startsWith('mailto:')))
      throw new AcmeProblem(400, 'unsupportedContact', 'only mailto is known');
    const account: Account = { url: `${this.url}/account/${newId()}`, jwk, contact };
    this.accounts.set(account.url, account);
    return { status: 201, body: { status: 'valid', contact }, fields: { location: account.url } };
  }

  #newOrder(account: Account, { payload }: SignedRequest): Answer {
    if (this.faults.rateLimits > 0) {
      this.faults.rateLimits -= 1;
      const fields = { 'retry-after': String(this.faults.retryAfterSeconds) };
      throw new AcmeProblem(429, 'rateLimited', 'too many orders', fields);
    }
    const identifiers = payload?.['identifiers'] as { type: string; value: string }[];
    const authorizations = identifiers.map(({ type, value }) => {
      if (type !== 'dns' || value.includes('*'))
        throw new AcmeProblem(400, 'rejectedIdentifier', `${value} cannot be validated`);
      const challenges = (['http-01', 'tls-alpn-01'] as const).map((kind): Challenge => {
        return { id: newId(), type: kind, token: newId(), status: 'pending' };
      });
      const authorization: Authorization = { id: newId(), host: value, challenges, polls: 0 };
      this.#authorizations.set(authorization.id, authorization);
      return authorization;
    });
    const order: Order = { id: newId(), account, authorizations, status: 'pending', polls: 0 };
    this.#orders.set(order.id, order);
    const fields = { location: `${this.url}/order/${order.id}` };
    return { status: 201, body: this.#showOrder(order), fields };
  }

  async #challenge(account: Account, id: string): Promise<Answer> {
    const all = [...this.#authorizations.values()];
    const authorization = all.find(({ challenges }) => challenges.some((one) => one.id === id));
    const challenge = authorization?.challenges.find((one) => one.id === id);
    if (authorization === undefined || challenge === undefined)
      throw new AcmeProblem(404, 'malformed', 'there is no such challenge');
    if (challenge.status === 'pending') {
      challenge.status = 'processing';
      void this.#validate(account, authorization, challenge);
    }
    const fields = { link: `<${this.url}/authorization/${authorization.id}>;rel="up"` };
    return { status: 200, body: this.#showChallenge(challenge), fields };
  }

  async #validate(account: Account, { host }: Authorization, challenge: Challenge): Promise<void> {
    try {
      await this.beforeValidation();
      const { http, tls } = this.ports;
      if (challenge.type === 'http-01') await validateHttp(host, http, challenge.token, account.jwk);
      else await validateTls(host, tls, challenge.token, account.jwk);
      challenge.status = 'valid';
    } catch (error) {
      challenge.status = 'invalid';
      challenge.error = { type: 'urn:ietf:params:acme:error:unauthorized', detail: (error as Error).message };
    }
  }

  async #finalize(order: Order, { payload }: SignedRequest): Promise<Answer> {
    if (this.#statusOf(order) !== 'ready')
      throw new AcmeProblem(403, 'orderNotReady', `the order is ${this.#statusOf(order)}`);
    const x509 = await import('@peculiar/x509');
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(String(payload?.['csr']), 'base64url'));
    if (!(await request.verify())) throw new AcmeProblem(400, 'badCSR', 'the signature is wrong');
    const alternatives = request.getExtension('2.5.29.17');
    const items =
      alternatives instanceof x509.SubjectAlternativeNameExtension ? alternatives.names.items : [];
    const names = items.map(({ value }) => value).sort();
    const ordered = order.authorizations.map(({ host }) => host).sort();
    if (names.join() !== ordered.join())
      throw new AcmeProblem(
        400,
        'badCSR',
        `the request is for ${names.join()}, the order for ${ordered.join()}`,
      );
    order.status = this.faults.failsOrders ? 'invalid' : 'processing';
    if (order.status === 'processing') {
      const begin = Date.now() - this.ageMs;
      const { certificatePem } = await issueCertificate(
        {
          names: order.authorizations.map(({ host }) => host),
          keyType: 'ec-p256',
          notBefore: new Date(begin),
          notAfter: new Date(begin + this.lifetimeMs),
          publicKeyPem: request.publicKey.toString('pem'),
        },
        this.authority,
      );
      this.issued.push(certificatePem);
      order.certificate = certificatePem + this.authority.certificatePem;
      order.polls = 0;
    }
    return { status: 200, body: this.#showOrder(order) };
  }

  #statusOf(order: Order): string {
    if (order.status !== 'pending') return order.status;
    const statuses = order.authorizations.map((one) => statusOf(one));
    if (statuses.includes('invalid')) return 'invalid';
    return statuses.every((status) => status === 'valid') ? 'ready' : 'pending';
  }

  #showOrder(order: Order): unknown {
    if (order.status === 'processing') {
      order.polls += 1;
      if (order.polls > this.faults.pendingPolls) order.status = 'valid';
    }
    const { id, authorizations, certificate } = order;
    const error = {
      type: 'urn:ietf:params:acme:error:serverInternal',
      detail: 'the order was failed on purpose',
    };
    return {
      status: this.#statusOf(order),
      expires: new Date(Date.now() + 3_600_000).toISOString(),
      identifiers: authorizations.map(({ host }) => ({ type: 'dns', value: host })),
      authorizations: authorizations.map((one) => `${this.url}/authorization/${one.id}`),
      finalize: `${this.url}/finalize/${id}`,
      ...(order.status === 'valid' && certificate !== undefined
        ? { certificate: `${this.url}/certificate/${id}` }
        : {}),
      ...(order.status === 'invalid' ? { error } : {}),
    };
  }

  #show(authorization: Authorization): unknown {
    const { host, challenges } = authorization;
    authorization.polls += 1;
    const isEarly = authorization.polls <= this.faults.pendingPolls;
    return {
      status: isEarly ? 'pending' : statusOf(authorization),
      identifier: { type: 'dns', value: host },
      challenges: challenges.map((challenge) => this.#showChallenge(challenge)),
    };
  }

  #showChallenge({ id, type, token, status, error }: Challenge): unknown {
    return {
      type,
      token,
      status,
      url: `${this.url}/challenge/${id}`,
      ...(error === undefined ? {} : { error }),
    };
  }

  #orderOf(account: Account, id: string): Order {
    const order = this.#found(this.#orders, id);
    if (order.account !== account)
      throw new AcmeProblem(403, 'unauthorized', 'the order is of another account');
    return order;
  }

  #found<T>(all: ReadonlyMap<string, T>, id: string): T {
    const one = all.get(id);
    if (one === undefined) throw new AcmeProblem(404, 'malformed', 'there is no such resource');
    return one;
  }

  #newNonce(): string {
    const nonce = newId();
    this.#nonces.add(nonce);
    return nonce;
  }
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly type?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

function statusOf({ challenges }: Authorization): 'pending' | 'valid' | 'invalid' {
  if (challenges.some(({ status }) => status === 'valid')) return 'valid';
  return challenges.some(({ status }) => status === 'invalid') ? 'invalid' : 'pending';
}

function newId(): string {
  return randomBytes(16).toString('base64url');
}
