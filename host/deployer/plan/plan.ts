import { basename } from 'node:path';
import { placeOf, shownPlace } from '../place.js';
import { type Candidate, type CandidateSource, type Scan, signatureOf } from '../scan/candidate.js';

/**
 * The rules of the drop folder, as one pure function: what was known, what was seen, what time it is → what to do, and
 * what is known now. It does no work and reads no clock; the table in test/fixtures/deployer/plan-cases.txt is its manual.
 */
export function plan(known: Known, scan: Scan, now: number, settings: PlanSettings): Plan {
  if (scan.kind === 'unreadable') {
    return paused(known, `the drop folder cannot be listed (${scan.reason})`, 'PORTICO_APPS_UNREADABLE');
  }
  const present = scan.candidates.filter(
    ({ sources, descriptor }) => sources.length > 0 || descriptor !== undefined,
  );
  const emptied = present.length === 0 && [...known.names.values()].some((name) => name.taken !== undefined);
  if (emptied && known.identity !== undefined && scan.identity !== known.identity) {
    return paused(
      known,
      'the drop folder is another folder now, and empty; a lost mount looks like this',
      'PORTICO_APPS_SUSPICIOUS',
    );
  }
  const emptyListings = emptied ? known.emptyListings + 1 : 0;
  if (emptied && emptyListings < EMPTY_LISTINGS) {
    return {
      known: { ...known, emptyListings },
      actions: [],
      waiting: [],
      wakeInMs: removalWindow(settings),
    };
  }
  const round = new Round(known, now, settings);
  for (const refusal of scan.refused) {
    round.report(refusal.entry, refusal.code, refusal.reason);
  }
  const holders = holdersOf(known, present);
  for (const candidate of present) {
    const holder = holders.get(claimOf(candidate, known));
    if (holder !== undefined && holder !== candidate.name) round.yieldTo(candidate, holder);
    else round.judge(candidate);
  }
  round.miss(new Set(present.filter(hasBundle).map(({ name }) => name)));
  return round.result(scan.identity, emptyListings);
}

/** How often in a row an empty listing of the same folder must be seen before it counts. */
export const EMPTY_LISTINGS = 3;
/** Editors save by deleting and creating; what is gone for less than this was not removed. */
export const REMOVAL_WINDOW_MS = 500;

/** Durations the rules go by. */
export interface PlanSettings {
  /** A bundle is taken when it has not changed for this long. */
  readonly stabilityWindowMs: number;
  /** An archive without its end is tried nevertheless, and refused, when it has not changed for this long. */
  readonly incompleteWindowMs: number;
}

/** What the plan remembers from scan to scan. Plain data; made by `unknown()`, replaced by each plan. */
export interface Known {
  /** Identity of the drop folder when it last counted. */
  readonly identity: string | undefined;
  readonly emptyListings: number;
  /** Code of the message that says why scans do not count at the moment; undefined: they do. */
  readonly paused: string | undefined;
  readonly names: ReadonlyMap<string, KnownName>;
  /** What has been reported and still holds, so that it is said once. */
  readonly reported: ReadonlySet<string>;
}

/** One name the plan has seen. */
export interface KnownName {
  /** Place and version it holds or asks for. */
  readonly claim: string;
  /** Last signature, and since when it has been so (monotonic milliseconds). */
  readonly seen: string | undefined;
  readonly sinceMs: number;
  /** Signature that was handed over last, whether it could be deployed or not. */
  readonly taken: string | undefined;
  /** What was handed over could not be looked at in peace; it is handed over again. */
  readonly isOwed: boolean;
  /** What was handed over last could not be read, so nothing of it can be serving. */
  readonly isBroken: boolean;
  /** It was handed over with a descriptor. */
  readonly takenWithDescriptor: boolean;
  /** Signature of the marker that was obeyed last. */
  readonly obeyedMarker: string | undefined;
  readonly missingSinceMs: number | undefined;
  /** What was left over by a failed undeploy; it stays undeployed until it changes. */
  readonly buried: string | undefined;
}

export type Action =
  /** Deploy this content, or find that it is the deployed one. */
  | { readonly kind: 'take'; readonly candidate: Candidate; readonly byMarker: boolean }
  /** The bundle is gone: drain and undeploy. */
  | { readonly kind: 'remove'; readonly name: string }
  /** Say this, once. `name` is a base name or an entry of the folder. */
  | { readonly kind: 'report'; readonly name: string; readonly code: string; readonly message: string }
  /** Scans count again after they did not. */
  | { readonly kind: 'recovered' };

export interface Plan {
  readonly known: Known;
  /** In the order in which they are to begin. */
  readonly actions: readonly Action[];
  /** Bundles that cannot be taken as they are. */
  readonly waiting: readonly Waiting[];
  /** When the next scan could decide something that only had to wait; undefined: nothing waits. */
  readonly wakeInMs: number | undefined;
}

/** Nothing known, or what the journal remembers: holders of a place and version, and what was buried. */
export function unknown(
  holders: Iterable<readonly [claim: string, name: string]> = [],
  buried: Iterable<readonly [name: string, signature: string]> = [],
): Known {
  const names = new Map<string, KnownName>();
  for (const [claim, name] of holders) names.set(name, { ...NEW_NAME, claim });
  for (const [name, signature] of buried) {
    names.set(name, { ...(names.get(name) ?? NEW_NAME), buried: signature });
  }
  return { identity: undefined, emptyListings: 0, paused: undefined, names, reported: new Set() };
}

/** After an undeploy by hand: the name is as if never seen, or buried when something of it could not be deleted. */
export function forget(known: Known, name: string, remains: string | undefined): Known {
  const names = new Map(known.names);
  if (remains === undefined) names.delete(name);
  else names.set(name, { ...NEW_NAME, buried: remains });
  return { ...known, names };
}

/** What was handed over last was interrupted: once more, after the stability window. */
export function owe(known: Known, name: string, now: number): Known {
  const before = known.names.get(name);
  if (before === undefined) return known;
  return { ...known, names: new Map(known.names).set(name, { ...before, isOwed: true, sinceMs: now }) };
}

/** A candidate that is there and not deployed, or not as it is now, and why. */
export interface Waiting {
  readonly candidate: Candidate;
  readonly reason: string;
}

/** What a candidate asks for: place and version. As long as its descriptor cannot be read: what it has. */
function claimOf(candidate: Candidate, known: Known): string {
  const before = known.names.get(candidate.name);
  if (candidate.descriptor?.problem !== undefined && before?.taken !== undefined) return before.claim;
  return `${placeOf(candidate.context).id}##${candidate.context.version}`;
}

const NEW_NAME: KnownName = {
  claim: '',
  seen: undefined,
  sinceMs: 0,
  taken: undefined,
  isOwed: false,
  isBroken: false,
  takenWithDescriptor: false,
  obeyedMarker: undefined,
  missingSinceMs: undefined,
  buried: undefined,
};

/** A scan that does not count changes nothing, and no timer of a removal goes on. */
function paused(known: Known, why: string, code: string): Plan {
  const message = `${why}; nothing is undeployed because of that`;
  const names = new Map([...known.names].map(([key, name]) => [key, { ...name, missingSinceMs: undefined }]));
  return {
    known: { ...known, names, emptyListings: 0, paused: code },
    actions: known.paused === code ? [] : [{ kind: 'report', name: '', code, message }],
    waiting: [],
    wakeInMs: undefined,
  };
}

/** Who may have which place and version: whoever has it already, else the first by name. */
function holdersOf(known: Known, present: readonly Candidate[]): Map<string, string> {
  const holders = new Map<string, string>();
  for (const [name, { claim, taken }] of known.names) if (taken !== undefined) holders.set(claim, name);
  const names = new Set(present.map(({ name }) => name));
  // From the journal: it had the claim before the restart, so it goes first if it is still there.
  for (const [name, { claim, taken }] of known.names) {
    if (taken === undefined && names.has(name) && !holders.has(claim)) holders.set(claim, name);
  }
  for (const candidate of present) {
    const claim = claimOf(candidate, known);
    if (!holders.has(claim)) holders.set(claim, candidate.name);
  }
  return holders;
}

function removalWindow(settings: PlanSettings): number {
  return Math.max(REMOVAL_WINDOW_MS, settings.stabilityWindowMs);
}

function keyOf(name: string, code: string, message: string): string {
  return JSON.stringify([name, code, message]);
}

function hasBundle(candidate: Candidate): boolean {
  return candidate.sources.length > 0;
}

/** One pass over the candidates, collecting actions and what is known afterwards. */
class Round {
  readonly #before: Known;
  readonly #now: number;
  readonly #settings: PlanSettings;
  readonly #names: Map<string, KnownName>;
  readonly #actions: Action[] = [];
  readonly #reported = new Set<string>();
  readonly #waiting: Waiting[] = [];
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(before: Known, now: number, settings: PlanSettings) {
    this.#before = before;
    this.#now = now;
    this.#settings = settings;
    this.#names = new Map(before.names);
    if (before.paused !== undefined) this.#actions.push({ kind: 'recovered' });
  }

  report(name: string, code: string, message: string): void {
    const key = keyOf(name, code, message);
    if (!this.#before.reported.has(key) && !this.#reported.has(key)) {
      this.#actions.push({ kind: 'report', name, code, message });
    }
    this.#reported.add(key);
  }

  #wait(candidate: Candidate, code: string, reason: string): void {
    this.report(candidate.name, code, reason);
    this.#waiting.push({ candidate, reason });
  }

  /** Somebody else has the place and version. What this name had before stays as it is. */
  yieldTo(candidate: Candidate, holder: string): void {
    const { version } = candidate.context;
    const place = shownPlace(placeOf(candidate.context).id);
    const what = `${place}${version === '' ? '' : ` version ${version}`}`;
    this.#wait(
      candidate,
      'PORTICO_CONTEXT_TAKEN',
      `${what} is held by ${holder}, which serves on; remove one of the two or give it another context`,
    );
    this.#keep(candidate.name);
  }

  judge(candidate: Candidate): void {
    const { name, sources, descriptor } = candidate;
    const [source, ...others] = sources;
    const signature = signatureOf(candidate);
    if (source === undefined || signature === undefined) {
      const why =
        descriptor?.problem ?? 'there is no bundle of this name beside it, and no portico.bundle in it';
      const file = descriptor === undefined ? name : basename(descriptor.path);
      this.report(name, 'PORTICO_BUNDLE_MISSING', `${file} has no effect: ${why}`);
      return;
    }
    for (const other of others) {
      this.report(
        name,
        'PORTICO_BUNDLE_IGNORED',
        `${other.path} is ignored, because ${source.path} is there too`,
      );
    }
    const before = this.#names.get(name) ?? NEW_NAME;
    const isDeployed = before.taken !== undefined && !before.isBroken;
    if (source.problem !== undefined && isDeployed) {
      this.#wait(candidate, 'PORTICO_BUNDLE_UNREADABLE', source.problem);
      this.#keep(name);
      return;
    }
    this.#weigh(candidate, source, signature);
  }

  /** What cannot be read at its first appearance is handed over too: it fails, and so it keeps its path. */
  #weigh(candidate: Candidate, source: CandidateSource, signature: string): void {
    const { name, marker } = candidate;
    const before = this.#names.get(name) ?? NEW_NAME;
    const isNew = before.seen !== signature;
    const known: KnownName = {
      ...before,
      claim: before.taken === undefined ? claimOf(candidate, this.#before) : before.claim,
      seen: signature,
      sinceMs: isNew ? this.#now - this.#quietBefore(candidate, source) : before.sinceMs,
      missingSinceMs: undefined,
    };
    const byMarker = marker !== undefined && marker.signature !== known.obeyedMarker;
    const settled = (signature === known.taken && !known.isOwed) || signature === known.buried;
    const due = known.sinceMs + this.#windowOf(candidate, source, known);
    if (byMarker || (!settled && due <= this.#now)) {
      this.#actions.push({ kind: 'take', candidate, byMarker });
      this.#names.set(name, {
        ...known,
        claim: claimOf(candidate, this.#before),
        taken: signature,
        isOwed: false,
        isBroken: source.problem !== undefined,
        takenWithDescriptor: candidate.descriptor !== undefined,
        obeyedMarker: marker?.signature ?? known.obeyedMarker,
        buried: undefined,
      });
      return;
    }
    this.#names.set(name, known);
    if (settled) return;
    this.#wakeAt = Math.min(this.#wakeAt, due);
    // Said when it is handed over, if it has not been corrected until then.
    if (source.problem !== undefined) this.#waiting.push({ candidate, reason: source.problem });
    else if (!source.complete) this.#awaitEnd(candidate, source, known.sinceMs);
  }

  /** Copying an archive takes its time, so nothing is said of it before it has paused. */
  #awaitEnd(candidate: Candidate, source: CandidateSource, sinceMs: number): void {
    const message = `${source.path} has no end yet; waiting for the rest of it`;
    const key = keyOf(candidate.name, 'PORTICO_ARCHIVE_INCOMPLETE', message);
    const sayAt = sinceMs + this.#settings.stabilityWindowMs;
    if (sayAt <= this.#now || this.#before.reported.has(key)) {
      this.#wait(candidate, 'PORTICO_ARCHIVE_INCOMPLETE', message);
    } else {
      this.#wakeAt = Math.min(this.#wakeAt, sayAt);
    }
  }

  /** In the first scan, files that were quiet before the host started need not prove it again. */
  #quietBefore(candidate: Candidate, source: CandidateSource): number {
    if (this.#before.identity !== undefined) return 0;
    return Math.min(source.quietMs, candidate.descriptor?.quietMs ?? source.quietMs);
  }

  #windowOf(candidate: Candidate, source: CandidateSource, known: KnownName): number {
    const { stabilityWindowMs, incompleteWindowMs } = this.#settings;
    if (source.problem !== undefined) return stabilityWindowMs;
    if (!source.complete) return Math.max(incompleteWindowMs, stabilityWindowMs);
    const lostDescriptor = known.takenWithDescriptor && candidate.descriptor === undefined;
    return lostDescriptor ? removalWindow(this.#settings) : stabilityWindowMs;
  }

  /** It is there, though nothing can be said about it now. */
  #keep(name: string): void {
    const known = this.#names.get(name);
    if (known !== undefined) this.#names.set(name, { ...known, missingSinceMs: undefined });
  }

  /** Names that were known and have no bundle now. */
  miss(present: ReadonlySet<string>): void {
    const window = removalWindow(this.#settings);
    for (const [name, known] of this.#names) {
      if (present.has(name)) continue;
      // What only the journal remembers is not forgotten because of an empty folder: it may be a lost mount.
      if (present.size === 0 && known.taken === undefined) continue;
      const missingSinceMs = known.missingSinceMs ?? this.#now;
      if (this.#now - missingSinceMs >= window) {
        this.#names.delete(name);
        this.#actions.push({ kind: 'remove', name });
      } else {
        this.#names.set(name, { ...known, seen: undefined, missingSinceMs });
        this.#wakeAt = Math.min(this.#wakeAt, missingSinceMs + window);
      }
    }
  }

  result(identity: string, emptyListings: number): Plan {
    return {
      known: { identity, emptyListings, paused: undefined, names: this.#names, reported: this.#reported },
      actions: this.#actions,
      waiting: this.#waiting,
      wakeInMs: Number.isFinite(this.#wakeAt) ? this.#wakeAt - this.#now : undefined,
    };
  }
}
