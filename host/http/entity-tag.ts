/** An entity tag (RFC 9110 §8.8.3). */
export interface EntityTag {
  /** Without quotes. */
  readonly value: string;
  readonly isWeak: boolean;
}

/** As it stands in a field: `"v1"`, `W/"v1"`. */
export function renderEntityTag({ value, isWeak }: EntityTag): string {
  return `${isWeak ? 'W/' : ''}"${value}"`;
}

/** One tag of a field; quotes MAY be missing. */
export function parseEntityTag(text: string): EntityTag {
  const isWeak = text.startsWith('W/');
  const tag = isWeak ? text.slice(2) : text;
  return { value: /^".*"$/s.test(tag) ? tag.slice(1, -1) : tag, isWeak };
}

/** A list of tags, as in If-Match; `*` stands for all and is given as it is. Commas in quotes do not separate. */
export function parseEntityTags(text: string): readonly EntityTag[] | '*' {
  if (text.trim() === '*') return '*';
  const items = text.match(/(?:W\/)?"[^"]*"|[^,\s]+/g) ?? [];
  return items.map(parseEntityTag);
}

/** Do two tags stand for the same bytes (RFC 9110 §8.8.3.2, strong comparison)? */
export function isSameStrong(one: EntityTag, other: EntityTag): boolean {
  return !one.isWeak && !other.isWeak && one.value === other.value;
}

/** Do two tags stand for the same content (weak comparison)? */
export function isSameWeak(one: EntityTag, other: EntityTag): boolean {
  return one.value === other.value;
}
