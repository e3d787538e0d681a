import type { AcceptedMediaType, MediaType } from '../../http/media-type.js';

/**
 * Does the client take this type? RFC 9110 §12.5.1: the most specific range that matches counts, and with `q=0` it
 * refuses. Without ranges everything is taken.
 */
export function accepts(accepted: readonly AcceptedMediaType[], type: MediaType): boolean {
  if (accepted.length === 0) return true;
  const matching = accepted.filter(({ mediaType }) => type.matches(mediaType));
  const [nearest] = matching.sort((a, b) => specificity(b.mediaType) - specificity(a.mediaType));
  return nearest !== undefined && nearest.quality > 0;
}

function specificity({ type, subtype, parameters }: MediaType): number {
  return (type === '*' ? 0 : 1000) + (subtype === '*' ? 0 : 1000) + parameters.length;
}
