const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** RFC 6455 §9.1: a quoted value is a token too, once its quotes and escapes are off. */
const PARAMETER = `(${TOKEN})(?:[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?`;
const NEXT_PARAMETER = new RegExp(`[ \\t]*;[ \\t]*${PARAMETER}`, 'y');
const EXTENSION = new RegExp(`(${TOKEN})`, 'y');
/** RFC 9110 §5.6.1.2: empty elements of a list count for nothing. */
const NEXT_EXTENSION = /[ \t]*(?:$|,[ \t,]*)/y;
const FIRST = /[ \t,]*/y;
const IS_TOKEN = new RegExp(`^${TOKEN}$`);

/** One extension of a client's list. */
export interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[];
}

/** The list of a `Sec-WebSocket-Extensions`; undefined when it is none (RFC 6455 §9.1: the handshake fails). */
export function parseExtensions(value: string): readonly ExtensionOffer[] | undefined {
  const offers: ExtensionOffer[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(value);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  take(FIRST);
  for (;;) {
    const name = take(EXTENSION)?.[1];
    if (name === undefined) return undefined;
    const parameters: [string, string | undefined][] = [];
    for (let found = take(NEXT_PARAMETER); found !== null; found = take(NEXT_PARAMETER)) {
      const [, key = '', token, quoted] = found;
      const text = token ?? quoted?.replace(/\\(.)/g, '$1');
      if (text !== undefined && !IS_TOKEN.test(text)) return undefined;
      parameters.push([key, text]);
    }
    offers.push({ name, parameters });
    if (take(NEXT_EXTENSION) === null) return undefined;
    if (at === value.length) return offers;
  }
}

/**
 * The first offer of permessage-deflate that can be accepted, as a value of the header; undefined when there is none.
 * Offers with an unknown or repeated parameter or a bad value are declined (RFC 7692 §7.1), and the next one has its turn.
 */
export function acceptableDeflate(offers: readonly ExtensionOffer[]): string | undefined {
  for (const { name, parameters } of offers) {
    if (name !== 'permessage-deflate' || !isAcceptable(parameters)) continue;
    const kept = parameters.filter(([key, value]) => key !== 'client_max_window_bits' || value !== '8');
    const texts = kept.map(([key, value]) => (value === undefined ? key : `${key}=${value}`));
    return [name, ...texts].join('; ');
  }
  return undefined;
}

function isAcceptable(parameters: ExtensionOffer['parameters']): boolean {
  const names = new Set(parameters.map(([name]) => name));
  return (
    names.size === parameters.length && parameters.every(([name, value]) => ALLOWED[name]?.(value) === true)
  );
}

/** RFC 7692 §7.1.1, §7.1.2: a number is written without leading zeros. */
const ALLOWED: Readonly<Record<string, ((value: string | undefined) => boolean) | undefined>> = {
  __proto__: null as never,
  server_no_context_takeover: (value) => value === undefined,
  client_no_context_takeover: (value) => value === undefined,
  // zlib compresses with a window of 9 bits where 8 are asked for, which such a client cannot read.
  server_max_window_bits: (value) => value !== undefined && /^(9|1[0-5])$/.test(value),
  // A hint of the client (§7.1.2.2); a window of 8 bits is not confirmed, since zlib of the client may well use 9.
  client_max_window_bits: (value) => value === undefined || /^([89]|1[0-5])$/.test(value),
};
