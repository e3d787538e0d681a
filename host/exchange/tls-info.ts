import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';

/** What TLS tells about a connection; one object per connection. */
export class TlsInfo {
  /** `TLSv1.3`. */
  readonly protocol: string;
  /** Name of the cipher suite as registered at IANA: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Host the client named in the handshake (SNI), in lower case; undefined when it named none. */
  readonly serverName: string | undefined;
  /** Undefined when the client showed none, or was not asked for one. */
  readonly clientCertificate: ClientCertificate | undefined;
  /** @internal For the exchange protocol. */
  encoded: Buffer | undefined = undefined;

  constructor(facts: Pick<TlsInfo, 'protocol' | 'cipher' | 'serverName' | 'clientCertificate'>) {
    this.protocol = facts.protocol;
    this.cipher = facts.cipher;
    this.serverName = facts.serverName;
    this.clientCertificate = facts.clientCertificate;
  }
}

/** The certificate by which a client says who it is. Read when asked for. */
export class ClientCertificate {
  /** DER. Not to be changed. */
  readonly der: Buffer;
  /**
   * True: one of the trusted authorities has signed it, and it is valid. Always so where certificates are required;
   * where they are optional, anybody can show anything, and nothing of it may be believed without this.
   */
  readonly isAuthorized: boolean;
  #parsed: X509Certificate | undefined;
  #base64: string | undefined;

  constructor(der: Buffer, isAuthorized: boolean) {
    this.der = der;
    this.isAuthorized = isAuthorized;
  }

  /** The certificate as Node reads it, for everything that is not below. Throws when it is none. */
  get x509(): X509Certificate {
    this.#parsed ??= new X509Certificate(this.der);
    return this.#parsed;
  }

  /** Distinguished name, one part to a line: `O=Shop`, `CN=ann`. */
  get subject(): string {
    return this.x509.subject;
  }

  get issuer(): string {
    return this.x509.issuer;
  }

  /** Hexadecimal, upper case. */
  get serialNumber(): string {
    return this.x509.serialNumber;
  }

  /** SHA-256 of the DER form: `AB:CD:…`. */
  get fingerprint256(): string {
    return this.x509.fingerprint256;
  }

  get validFrom(): Date {
    return new Date(this.x509.validFrom);
  }

  get validTo(): Date {
    return new Date(this.x509.validTo);
  }

  /** DER in base64. */
  get base64(): string {
    this.#base64 ??= this.der.toString('base64');
    return this.#base64;
  }

  get pem(): string {
    return this.x509.toString();
  }

  /** As `tls.TLSSocket.getPeerCertificate()` gives it. */
  toLegacyObject(): PeerCertificate {
    return this.x509.toLegacyObject() as PeerCertificate;
  }
}
