import type { ApplicationRequest } from '../../application/application-request.js';
import { type EntityTag, isSameStrong, isSameWeak, parseEntityTags } from '../../http/entity-tag.js';
import { parseHttpDate } from '../../http/http-date.js';

/** What is known about the state of a resource. */
export interface ResourceVersions {
  readonly tags: readonly EntityTag[];
  /** Milliseconds since the epoch, whole seconds. */
  readonly datesMs: readonly number[];
}

/**
 * Status that the conditions of a request ask for, by the versions of what it would get: 304, 412, or undefined to
 * go on (RFC 9110 §13.2.2). Entity tags come first; dates count only without a condition on tags.
 */
export function checkConditions(
  request: ApplicationRequest,
  { tags, datesMs }: ResourceVersions,
): 304 | 412 | undefined {
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  const noneMatch = listOf(request, 'If-None-Match');
  const match = listOf(request, 'If-Match');
  if (tags.length > 0) {
    if (noneMatch !== undefined && noneMatch !== '*' && overlaps(noneMatch, tags, isSameWeak))
      return isReading ? 304 : 412;
    if (match !== undefined && match !== '*' && !overlaps(match, tags, isSameStrong)) return 412;
  }
  if (datesMs.length === 0) return undefined;
  const newestMs = Math.max(...datesMs);
  if (noneMatch === undefined && isReading) {
    const since = datesOf(request, 'If-Modified-Since');
    if (since.length > 0 && since.every((dateMs) => newestMs <= dateMs)) return 304;
  }
  if (match === undefined) {
    const since = datesOf(request, 'If-Unmodified-Since');
    if (since.length > 0 && since.every((dateMs) => newestMs > dateMs)) return 412;
  }
  return undefined;
}

function listOf(request: ApplicationRequest, name: string): readonly EntityTag[] | '*' | undefined {
  const lines = request.headers.getAll(name);
  return lines.length === 0 ? undefined : parseEntityTags(lines.join(','));
}

function overlaps(
  wanted: readonly EntityTag[],
  there: readonly EntityTag[],
  isSame: (one: EntityTag, other: EntityTag) => boolean,
): boolean {
  return wanted.some((one) => there.some((other) => isSame(one, other)));
}

/** RFC 9110 §13.1.3: what is no date is left out. */
function datesOf(request: ApplicationRequest, name: string): readonly number[] {
  return request.headers.getAll(name).flatMap((text) => parseHttpDate(text) ?? []);
}
