import type { ConnectionInfo, RequestHead } from '../exchange/exchange.js';
import { authorityText } from '../http/authority.js';
import { FieldBlock } from '../http/field-block.js';
import type { RequestHeadParser } from './request-head-parser.js';
import type { RequestTarget } from './request-target.js';

/** Head of an HTTP/1.x request over the bytes it came in. Strings of fields are made when somebody asks. */
export class Http1RequestHead implements RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly version: string;
  readonly fields: FieldBlock;
  readonly bodyLength: number;
  readonly upgrade: string | undefined;
  readonly expectsContinue: boolean;
  readonly connection: ConnectionInfo;
  private knownAuthority: string | undefined;
  private readonly hostStart: number;
  private readonly hostEnd: number;

  constructor(bytes: Buffer, parsed: RequestHeadParser, target: RequestTarget, connection: ConnectionInfo) {
    this.method = parsed.method;
    this.path = target.path;
    this.query = target.query;
    this.version = parsed.minorVersion === 1 ? '1.1' : '1.0';
    this.fields = new FieldBlock(bytes, parsed.offsets);
    this.expectsContinue = parsed.expectsContinue;
    this.connection = connection;
    this.knownAuthority = target.authority;
    this.hostStart = parsed.hostStart;
    this.hostEnd = parsed.hostEnd;
    const asksUpgrade = parsed.upgradeEnd > parsed.upgradeStart;
    this.upgrade = asksUpgrade
      ? bytes.toString('latin1', parsed.upgradeStart, parsed.upgradeEnd).replace(BLANKS, '')
      : undefined;
    // Nobody knows how many bytes a tunnel will carry.
    this.bodyLength = asksUpgrade ? -1 : parsed.bodyLength;
  }

  get authority(): string {
    if (this.knownAuthority === undefined) {
      this.knownAuthority =
        this.hostEnd > this.hostStart ? authorityText(this.fields.bytes, this.hostStart, this.hostEnd) : '';
    }
    return this.knownAuthority;
  }
}

const BLANKS = /[ \t]+/g;
