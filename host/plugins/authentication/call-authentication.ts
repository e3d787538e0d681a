import type { ApplicationCall } from '../../application/application-call.js';
import { PorticoError } from '../../errors.js';
import { AttributeKey } from '../../pipeline/attributes.js';
import type {
  AuthenticationFailure,
  AuthenticationProvider,
  AuthenticationResult,
  Challenge,
} from './provider.js';
import { isNobody, unauthorized } from './provider.js';

/**
 * How the providers of one block work together: the first one that knows the caller is enough; as before, but a call
 * without any credentials is let in; every one must know the caller.
 */
export type AuthenticationStrategy = 'first-successful' | 'optional' | 'required';

/** One `authenticate`. */
export interface AuthenticationBlock {
  readonly providers: readonly AuthenticationProvider<unknown>[];
  readonly strategy: AuthenticationStrategy;
}

interface Rejection {
  readonly failure: AuthenticationFailure;
  readonly challenge: Challenge | undefined;
}

const PRINCIPALS = new AttributeKey<Map<string, unknown>>('portico.authentication.principals');
/** What a provider gives that has looked for somebody and found nobody, but calls it a principal. */
const NOBODY: Rejection = { failure: 'invalid-credentials', challenge: undefined };
/** Which challenges are asked first. */
const ORDER: readonly AuthenticationFailure[] = ['invalid-credentials', 'no-credentials', 'error'];

/** What all blocks around a route want together, outermost first. Settled when the route is built. */
export class AuthenticationCheck {
  readonly #required: readonly AuthenticationProvider<unknown>[];
  readonly #others: readonly AuthenticationProvider<unknown>[];
  readonly #isOptional: boolean;

  constructor(blocks: readonly AuthenticationBlock[]) {
    const isRequired = ({ strategy }: AuthenticationBlock): boolean => strategy === 'required';
    const others = blocks.filter((block) => !isRequired(block));
    this.#required = [...new Set(blocks.filter(isRequired).flatMap(({ providers }) => providers))];
    this.#others = [...new Set(others.flatMap(({ providers }) => providers))].filter(
      (provider) => !this.#required.includes(provider),
    );
    this.#isOptional = others.every(({ strategy }) => strategy === 'optional');
  }

  /**
   * Lets a call pass or answers it. First the providers of required blocks: the first that fails ends it. Then the
   * others, until somebody is known.
   */
  async run(call: ApplicationCall): Promise<void> {
    if (call.isHandled || call.attributes.contains(PRINCIPALS)) return;
    const principals = new Map<string, unknown>();
    call.attributes.put(PRINCIPALS, principals);
    for (const provider of this.#required) {
      if (provider.skipWhen?.(call) === true) continue;
      const rejection = await ask(call, provider, principals);
      if (rejection !== undefined) return refuse(call, [rejection]);
    }
    const rejections: Rejection[] = [];
    for (const provider of this.#others) {
      if (principals.size > 0 || provider.skipWhen?.(call) === true) return;
      const rejection = await ask(call, provider, principals);
      if (rejection !== undefined) rejections.push(rejection);
    }
    if (principals.size > 0 || rejections.length === 0) return;
    // Who gives wrong credentials wants to be somebody, so he is not let in as nobody.
    if (this.#isOptional && rejections.every(({ failure }) => failure !== 'invalid-credentials')) return;
    await refuse(call, rejections);
  }
}

/**
 * Whom a provider has found; its type is that of the provider. `PORTICO_NO_PRINCIPAL` when it has found nobody, which
 * cannot be inside an `authenticate` with this provider only.
 */
export function principal<Principal>(
  call: ApplicationCall<unknown>,
  provider: AuthenticationProvider<Principal>,
): Principal {
  const found = principalOrNull(call, provider);
  if (found === undefined)
    throw new PorticoError(
      'PORTICO_NO_PRINCIPAL',
      `The provider ${provider.name} has found nobody. Put the route into authenticate(…), or use principalOrNull.`,
    );
  return found;
}

/** Whom a provider has found; undefined when it has found nobody or was not asked. */
export function principalOrNull<Principal>(
  call: ApplicationCall<unknown>,
  provider: AuthenticationProvider<Principal>,
): Principal | undefined {
  return call.attributes.getOrNull(PRINCIPALS)?.get(provider.name) as Principal | undefined;
}

async function ask(
  call: ApplicationCall,
  provider: AuthenticationProvider<unknown>,
  principals: Map<string, unknown>,
): Promise<Rejection | undefined> {
  const result: AuthenticationResult<unknown> = await provider.authenticate(call);
  if ('principal' in result && !isNobody(result.principal)) {
    principals.set(provider.name, result.principal);
    return undefined;
  }
  const { failure, challenge } = 'failure' in result ? result : NOBODY;
  call.application.log.debug(`${call.method} ${call.localPath}: provider ${provider.name}: ${failure}.`);
  return { failure, challenge };
}

async function refuse(call: ApplicationCall, rejections: readonly Rejection[]): Promise<void> {
  for (const failure of ORDER)
    for (const rejection of rejections) {
      if (rejection.failure !== failure || rejection.challenge === undefined) continue;
      await rejection.challenge(call);
      if (call.isHandled) return;
    }
  await unauthorized()(call);
}
