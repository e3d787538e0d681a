import { randomFillSync, randomInt } from 'node:crypto';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { checkHeader } from '../application/header-check.js';
import { BadRequestError } from '../application/http-errors.js';
import { withCallFacts } from '../application/log-context.js';
import { checkFunction } from '../errors.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import { checkNumber, invalidOption } from '../plugin/check-option.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';

/** Characters of an id when nothing else is said. */
export const CALL_ID_DICTIONARY = 'abcdefghijklmnopqrstuvwxyz0123456789+/=-';

/** In front of Setup, so that everything that is logged about a call can name its id. */
const CallIdPhase = new PipelinePhase('CallId');
const ID = new AttributeKey<string>('CallId');

type Provider = (call: ApplicationCall) => string | undefined;

/** 400: the verifier refuses the id of the request. Code `PORTICO_CALL_ID_REJECTED`; thrown by verifiers. */
export class RejectedCallIdError extends BadRequestError {
  constructor() {
    super('The id of the call is not acceptable.', { code: 'PORTICO_CALL_ID_REJECTED' });
  }
}

/** Where the id of a call comes from and goes to. */
export class CallIdConfig {
  /**
   * Is this id acceptable? Otherwise the next provider is asked; it MAY throw `RejectedCallIdError` to end the call. A
   * string names the characters that may occur. Default: `CALL_ID_DICTIONARY`.
   */
  verify: string | ((id: string) => boolean) = CALL_ID_DICTIONARY;
  /** A longer id is not acceptable: it would stand in every line of the log. Default 256 characters. */
  maxLength = 256;
  readonly #providers: Provider[] = [];
  readonly #replies: ((call: ApplicationCall, id: string) => void)[] = [];

  /** Asks `provider`; several are asked in order until one gives an acceptable id. */
  retrieve(provider: Provider): void {
    checkFunction(provider, () => 'A provider of CallId');
    this.#providers.push(provider);
  }

  retrieveFromHeader(name: string): void {
    checkHeader(name, '');
    this.retrieve((call) => call.request.header(name));
  }

  /** Makes an id when no provider before has one: random characters of the dictionary, or what `make` gives. */
  generate(make: Provider | { readonly length?: number; readonly dictionary?: string } = {}): void {
    if (typeof make === 'function') this.retrieve(make);
    else {
      const { length = 64, dictionary = CALL_ID_DICTIONARY } = make;
      checkNumber('CallId: length', length, 1);
      if (dictionary === '')
        throw invalidOption('CallId: dictionary', dictionary, 'Name the characters of an id.');
      this.retrieve(() => randomText(length, dictionary));
    }
  }

  /** Tells the client the id. */
  reply(reply: (call: ApplicationCall, id: string) => void): void {
    this.#replies.push(reply);
  }

  replyToHeader(name: string): void {
    checkHeader(name, '');
    this.reply((call, id) => call.response.headers.set(name, id));
  }

  /** `retrieveFromHeader` and `replyToHeader`. */
  header(name: string): void {
    this.retrieveFromHeader(name);
    this.replyToHeader(name);
  }

  get providers(): readonly Provider[] {
    return this.#providers;
  }

  get replies(): readonly ((call: ApplicationCall, id: string) => void)[] {
    return this.#replies;
  }
}

/**
 * Plugin: gives each call an id, taken from the request or made, for logs and for the client.
 *
 * ```ts
 * application.install(CallId, (config) => {
 *   config.header('X-Request-Id');
 *   config.generate({ length: 20 });
 * });
 * ```
 *
 * Lines logged while the call is handled have it in their context as `callId`.
 */
export const CallId: ApplicationPlugin<CallIdConfig, void> = createApplicationPlugin('CallId', {
  createConfig: () => new CallIdConfig(),
  install({ pipeline, config }) {
    const { providers, replies, verify, maxLength } = config;
    const isAcceptable = typeof verify === 'string' ? onlyOf(verify) : verify;
    pipeline.insertPhaseBefore(ApplicationCallPipeline.Setup, CallIdPhase);
    pipeline.intercept(CallIdPhase, (run) => {
      const { call } = run;
      for (const provider of providers) {
        const id = provider(call);
        if (id === undefined || id === '' || id.length > maxLength || !isAcceptable(id)) continue;
        call.attributes.put(ID, id);
        for (const reply of replies) reply(call, id);
        return withCallFacts(
          call,
          () => new Map([['callId', id]]),
          () => run.proceed(),
        );
      }
      return undefined;
    });
  },
});

/** The id of a call; undefined without one. */
export function callId(call: ApplicationCall): string | undefined {
  return call.attributes.getOrNull(ID);
}

function onlyOf(dictionary: string): (id: string) => boolean {
  const isKnown = new Uint8Array(128);
  for (const character of dictionary) isKnown[character.charCodeAt(0)] = 1;
  return (id) => {
    // By its number; to search a text for each of them costs as much as to make the id.
    for (let i = 0; i < id.length; i++) if (isKnown[id.charCodeAt(i)] !== 1) return areAllIn(dictionary, id);
    return true;
  };
}

/** Also characters beyond ASCII, of two units too. */
function areAllIn(dictionary: string, id: string): boolean {
  for (const character of id) if (!dictionary.includes(character)) return false;
  return true;
}

function randomText(length: number, dictionary: string): string {
  let text = '';
  for (let i = 0; i < length; i++) text += dictionary[randomIndex(dictionary.length)];
  return text;
}

function randomIndex(count: number): number {
  if (count < 1 || count > 256) return randomInt(count);
  // Bytes beyond would make the first indexes more likely than the others.
  const end = 256 - (256 % count);
  for (;;) {
    const byte = randomByte();
    if (byte < end) return byte % count;
  }
}

/** Made in stock: asking the system for each character costs more than the rest of the call. */
const stock = Buffer.alloc(4096);
let taken = stock.length;

function randomByte(): number {
  if (taken === stock.length) {
    randomFillSync(stock);
    taken = 0;
  }
  return stock[taken++] as number;
}
