import { compareVersions } from '../../bundle/compare-versions.js';
import { mayServe, type Version } from '../version.js';

/** All versions of one place by name, whether they serve or not. Changed by the context alone. */
export class PlaceVersions extends Map<string, Version> {
  /** Highest version first. */
  ranked(): Version[] {
    return [...this.values()].sort(
      (left, right) =>
        compareVersions(right.order.context.version, left.order.context.version) ||
        (left.name < right.name ? -1 : 1),
    );
  }

  /** What may be live, highest version first. */
  candidates(): Version[] {
    return this.ranked().filter((version) => mayServe(version));
  }

  /** The version that would be seen at the path while none serves: what starts, else what would be next. */
  next(bases: readonly Version[]): Version | undefined {
    const ranked = this.ranked();
    return (
      ranked.find(({ activity }) => activity !== undefined) ?? bases[0] ?? this.candidates()[0] ?? ranked[0]
    );
  }
}
