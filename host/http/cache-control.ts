/** Who may keep an answer. */
export type CacheVisibility = 'public' | 'private' | undefined;

/** A directive of Cache-Control (RFC 9111 §5.2.2) with what belongs to it. */
export type CacheControl =
  | { readonly type: 'no-cache' | 'no-store'; readonly visibility?: CacheVisibility }
  | MaxAge;

interface MaxAge {
  readonly type: 'max-age';
  readonly maxAgeSeconds: number;
  /** For shared caches. */
  readonly sharedMaxAgeSeconds?: number | undefined;
  readonly mustRevalidate?: boolean;
  readonly proxyRevalidate?: boolean;
  readonly visibility?: CacheVisibility;
}

/** As it stands in the field: `max-age=60, must-revalidate, private`. */
export function renderCacheControl(directive: CacheControl): string {
  const parts: string[] = [];
  if (directive.type === 'max-age') {
    parts.push(`max-age=${directive.maxAgeSeconds}`);
    if (directive.sharedMaxAgeSeconds !== undefined) parts.push(`s-maxage=${directive.sharedMaxAgeSeconds}`);
    if (directive.mustRevalidate === true) parts.push('must-revalidate');
    if (directive.proxyRevalidate === true) parts.push('proxy-revalidate');
  } else parts.push(directive.type);
  if (directive.visibility !== undefined) parts.push(directive.visibility);
  return parts.join(', ');
}

/**
 * Several wishes as one: the stricter one wins. `private` beats `public`; the smallest ages count; the order is no-cache,
 * no-store, max-age. The visibility is said once: with max-age, otherwise with the first.
 */
export function mergeCacheControl(directives: readonly CacheControl[]): readonly CacheControl[] {
  if (directives.length < 2) return directives;
  const visibilities = directives.map(({ visibility }) => visibility);
  const visibility = visibilities.includes('private')
    ? 'private'
    : visibilities.includes('public')
      ? 'public'
      : undefined;
  const ages = directives.filter((one): one is MaxAge => one.type === 'max-age');
  const merged: CacheControl[] = [];
  for (const type of ['no-cache', 'no-store'] as const)
    if (directives.some((one) => one.type === type)) merged.push({ type });
  if (ages.length > 0) merged.push(mergeAges(ages));
  const bearer = ages.length > 0 ? merged.length - 1 : 0;
  return merged.map((one, i) => (i === bearer ? { ...one, visibility } : one));
}

function mergeAges(ages: readonly MaxAge[]): MaxAge {
  const shared = ages.flatMap(({ sharedMaxAgeSeconds }) => sharedMaxAgeSeconds ?? []);
  return {
    type: 'max-age',
    maxAgeSeconds: Math.min(...ages.map(({ maxAgeSeconds }) => maxAgeSeconds)),
    sharedMaxAgeSeconds: shared.length === 0 ? undefined : Math.min(...shared),
    mustRevalidate: ages.some(({ mustRevalidate }) => mustRevalidate),
    proxyRevalidate: ages.some(({ proxyRevalidate }) => proxyRevalidate),
  };
}
