import type { ConnectionInfo, RequestHead } from '../../exchange/exchange.js';
import type { FieldBlock } from '../../http/field-block.js';

/** What is different from what came over the connection. */
export interface EffectiveFacts {
  readonly fields: FieldBlock;
  readonly connection: ConnectionInfo;
  readonly authority: string;
}

/** A request as the client has sent it to the first of the proxies in front of us. */
export class EffectiveRequestHead implements RequestHead {
  readonly fields: FieldBlock;
  readonly connection: ConnectionInfo;
  readonly authority: string;
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly version: string;
  readonly bodyLength: number;
  readonly upgrade: string | undefined;
  readonly expectsContinue: boolean;

  constructor(head: RequestHead, facts: EffectiveFacts) {
    this.fields = facts.fields;
    this.connection = facts.connection;
    this.authority = facts.authority;
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.version = head.version;
    this.bodyLength = head.bodyLength;
    this.upgrade = head.upgrade;
    this.expectsContinue = head.expectsContinue;
  }
}
