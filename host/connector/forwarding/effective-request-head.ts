import type { ConnectionInfo, RequestHead } from '../../exchange/exchange.js';
import type { FieldBlock } from '../../http/field-block.js';

/** With every property, those that may be left out too: none can be forgotten where one is made. */
export type Whole<T> = { readonly [Name in keyof Required<T>]: T[Name] };

/** What is different from what came over the connection. */
export interface EffectiveFacts {
  readonly fields: FieldBlock;
  readonly connection: ConnectionInfo;
  readonly authority: string;
}

/** A request as the client has sent it to the first of the proxies in front of us. */
export function effectiveRequestHead(head: RequestHead, facts: EffectiveFacts): Whole<RequestHead> {
  return {
    fields: facts.fields,
    flat: undefined,
    connection: facts.connection,
    authority: facts.authority,
    method: head.method,
    path: head.path,
    query: head.query,
    version: head.version,
    bodyLength: head.bodyLength,
    upgrade: head.upgrade,
    expectsContinue: head.expectsContinue,
  };
}
