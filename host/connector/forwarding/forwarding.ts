import type { ForwardedField, ForwardingSettings } from '../../config/forwarding-settings.js';
import type { ConnectionInfo, ExchangeHandler, RequestHead } from '../../exchange/exchange.js';
import { AddressRanges } from '../../http/address-ranges.js';
import { hasForwardedFields, withoutForwardedFields } from '../../http/forwarded-fields.js';
import { forwardedFromRight } from '../../http/forwarded-header.js';
import { type ForwardedNode, parseForwardedAddress, parseForwardedNode } from '../../http/forwarded-node.js';
import type { Waiver } from '../waiver.js';
import { effectiveAuthority } from './effective-authority.js';
import { effectiveRequestHead, type Whole } from './effective-request-head.js';

/**
 * The stage between a protocol and its handler that decides who the client is. Behind it a request has the address, the
 * scheme and the host that the client used, as far as trusted proxies tell, and none of the fields they told it in; whoever
 * comes next writes such fields anew from these facts. From anybody else the fields are removed, and nothing is believed.
 *
 * Lists are read from the right, where the proxy next to us writes: an element is believed if the one who wrote it is
 * trusted, and the first address that is not trusted is the client. So what a client puts into the list itself stands to
 * the left of its own address, where nobody looks. A list that cannot be read is not believed at all.
 */
export class Forwarding {
  readonly #proxies: AddressRanges;
  readonly #fields: ReadonlySet<ForwardedField>;
  /** One verdict for each connection. */
  readonly #verdicts = new WeakMap<ConnectionInfo, boolean>();

  constructor(settings: ForwardingSettings) {
    this.#proxies = new AddressRanges(settings.proxies);
    this.#fields = new Set(settings.fields);
  }

  /** The handler for the exchanges as they come. */
  inFrontOf(handler: ExchangeHandler): ExchangeHandler {
    return (exchange) => {
      if (hasForwardedFields(exchange.head.fields)) {
        const open: { head: RequestHead } = exchange;
        open.head = this.effective(exchange.head);
      }
      handler(exchange);
    };
  }

  /** The waiver for requests as they come. */
  waiverOf(waives: Waiver | undefined): Waiver | undefined {
    return waives && ((rule, head) => waives(rule, this.effective(head)));
  }

  /** The head as it is behind this stage. */
  effective(head: RequestHead): RequestHead {
    const said = this.isTrusted(head.connection) ? this.#read(head) : undefined;
    const { connection } = head;
    const fields = withoutForwardedFields(head.fields);
    if (said === undefined)
      return effectiveRequestHead(head, { fields, connection, authority: head.authority });
    const isSecure = said.isSecure ?? connection.isSecure;
    return effectiveRequestHead(head, {
      fields,
      authority: effectiveAuthority(head.authority, said, isSecure),
      connection: {
        remoteAddress: said.client?.address ?? connection.remoteAddress,
        remotePort: said.client?.address === undefined ? connection.remotePort : said.client.port,
        localAddress: connection.localAddress,
        localPort: connection.localPort,
        isSecure,
        // Of the connection to the proxy.
        tls: undefined,
        caller: undefined,
      } satisfies Whole<ConnectionInfo>,
    });
  }

  /** This connection comes from a proxy that is believed. */
  isTrusted(connection: ConnectionInfo): boolean {
    let verdict = this.#verdicts.get(connection);
    if (verdict === undefined) {
      verdict = this.#proxies.has(connection.remoteAddress);
      this.#verdicts.set(connection, verdict);
    }
    return verdict;
  }

  /** What the proxies say; undefined when it cannot be read. */
  #read({ fields }: RequestHead): Said | undefined {
    const lines = (name: ForwardedField): string[] => (this.#fields.has(name) ? fields.all(name) : []);
    if (this.#fields.has('forwarded')) return this.#readForwarded(lines('forwarded'));
    const addresses = listOf(lines('x-forwarded-for'));
    const nodes: ForwardedNode[] = [];
    let index = addresses.length;
    while (index > 0) {
      const node = parseForwardedAddress(addresses[index - 1] as string);
      if (node === undefined) return undefined;
      index--;
      nodes.push(node);
      if (node.address === undefined || !this.#proxies.has(node.address)) break;
    }
    const choose = (name: ForwardedField): string | undefined =>
      elementAt(listOf(lines(name)), index, addresses.length);
    return {
      client: nodes.at(-1),
      isSecure: secureOf(choose('x-forwarded-proto')),
      host: choose('x-forwarded-host'),
      port: choose('x-forwarded-port'),
    };
  }

  #readForwarded(lines: readonly string[]): Said | undefined {
    let said: Said = {};
    for (const element of forwardedFromRight(lines)) {
      const client = element?.for === undefined ? NOBODY : parseForwardedNode(element.for);
      if (element === undefined || client === undefined) return undefined;
      said = { client, isSecure: secureOf(element.proto), host: element.host };
      if (client.address === undefined || !this.#proxies.has(client.address)) break;
    }
    return said;
  }
}

/** What trusted proxies have said of a request. */
interface Said {
  readonly client?: ForwardedNode | undefined;
  readonly isSecure?: boolean | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
}

const NOBODY: ForwardedNode = { address: undefined, port: 0 };

/** Lines of one name are one list (RFC 9110 §5.3). */
function listOf(lines: readonly string[]): string[] {
  return lines.length === 0
    ? []
    : lines
        .join(',')
        .split(',')
        .map((element) => element.trim())
        .filter((element) => element !== '');
}

/**
 * The element that belongs to address `index` of `count`: at the same place of a list as long as that of the addresses;
 * otherwise the last one, which the proxy next to us has written or let through.
 */
function elementAt(list: readonly string[], index: number, count: number): string | undefined {
  return list.length === count ? list[index] : list.at(-1);
}

function secureOf(scheme: string | undefined): boolean | undefined {
  switch (scheme?.toLowerCase()) {
    case 'https':
    case 'wss':
      return true;
    case 'http':
    case 'ws':
      return false;
    default:
      return undefined;
  }
}
