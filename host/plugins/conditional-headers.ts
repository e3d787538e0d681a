import type { ApplicationCall } from '../application/application-call.js';
import {
  discardContent,
  forgetCaching,
  headerOfAnswer,
  statusOfAnswer,
  withoutHeaders,
} from '../application/content-facts.js';
import { type AnyContent, NoContent } from '../application/outgoing-content.js';
import { type EntityTag, parseEntityTag, renderEntityTag } from '../http/entity-tag.js';
import { httpDate, parseHttpDate } from '../http/http-date.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { ResponseBodyReadyForSend } from '../plugin/hooks.js';
import { checkConditions, type ResourceVersions } from './conditional-headers/check.js';

export type { EntityTag } from '../http/entity-tag.js';

/** A version of what is answered: an entity tag, with or without its quotes, or the time of the last change in milliseconds since the epoch. */
export type ContentVersion =
  | { readonly etag: string; readonly isWeak?: boolean }
  | { readonly lastModifiedMs: number };

type VersionProvider = (call: ApplicationCall, content: AnyContent) => readonly ContentVersion[];

/** Who knows the versions of answers. */
export class ConditionalHeadersConfig {
  readonly #providers: VersionProvider[] = [];

  /** Asks `provider` for each answer; what it gives is sent as `ETag` and `Last-Modified`. */
  version(provider: VersionProvider): void {
    this.#providers.push(provider);
  }

  get providers(): readonly VersionProvider[] {
    return this.#providers;
  }
}

/**
 * Plugin: 304 when the client has the newest version, 412 when it would change another one than it knows. Versions
 * are the headers `ETag` and `Last-Modified` of the answer, and what providers give. Only successful answers.
 *
 * ```ts
 * application.install(ConditionalHeaders, (config) =>
 *   config.version((call) => [{ etag: revisionOf(call) }]),
 * );
 * ```
 */
export const ConditionalHeaders: RouteScopedPlugin<ConditionalHeadersConfig, void> = createRouteScopedPlugin(
  'ConditionalHeaders',
  {
    createConfig: () => new ConditionalHeadersConfig(),
    install(plugin) {
      const { providers } = plugin.config;
      plugin.on(ResponseBodyReadyForSend, (call, content) => {
        const status = statusOfAnswer(call, content);
        if (status < 200 || status > 299 || content.kind === 'upgrade') return undefined;
        for (const provider of providers)
          for (const version of provider(call, content)) announce(call, content, version);
        const result = checkConditions(call.request, versionsOf(call, content));
        if (result === undefined) return undefined;
        discardContent(call, content);
        // RFC 9110 §15.4.5: what describes the body goes with it.
        call.response.headers.remove('Content-Length');
        const ofBody = ['content-length', 'content-encoding', 'content-range'];
        if (result === 412) forgetCaching(call);
        const headers = withoutHeaders(
          content.headers,
          result === 412 ? [...ofBody, 'cache-control', 'expires'] : ofBody,
        );
        return new NoContent({ status: result, headers });
      });
    },
  },
);

function announce(call: ApplicationCall, content: AnyContent, version: ContentVersion): void {
  const [name, value] =
    'etag' in version ? ['ETag', tagText(version)] : ['Last-Modified', httpDate(version.lastModifiedMs)];
  if (headerOfAnswer(call, content, name as string) === undefined)
    call.response.headers.append(name as string, value as string);
}

function tagText({ etag, isWeak }: { readonly etag: string; readonly isWeak?: boolean }): string {
  const tag = parseEntityTag(etag);
  return renderEntityTag({ value: tag.value, isWeak: isWeak ?? tag.isWeak });
}

function versionsOf(call: ApplicationCall, content: AnyContent): ResourceVersions {
  const tag = headerOfAnswer(call, content, 'ETag');
  const dateMs = parseHttpDate(headerOfAnswer(call, content, 'Last-Modified') ?? '');
  const tags: EntityTag[] = tag === undefined ? [] : [parseEntityTag(tag)];
  return { tags, datesMs: dateMs === undefined ? [] : [dateMs] };
}
