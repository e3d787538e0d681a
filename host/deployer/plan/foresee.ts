import { compareVersions } from '../../bundle/compare-versions.js';
import { placeOf, shownPlace } from '../place.js';
import type { Scan } from '../scan/candidate.js';
import { EMPTY_LISTINGS, type Known, type PlanSettings, plan, REMOVAL_WINDOW_MS } from './plan.js';

/** What would happen to one name of the drop folder. */
export interface Foreseen {
  readonly name: string;
  /** `/shop`, `shop.example/cart`; '' for what can be nowhere. */
  readonly place: string;
  readonly action: ForeseenAction;
  /** A sentence without its end. */
  readonly why: string;
}

/**
 * `deploy`: it begins to serve; `replace`: new content takes over, the old one drains and stops; `store`: its content is
 * taken, nothing starts; `keep`: nothing happens; `stop`: it serves and is not to any more, its bundle stays;
 * `undeploy`: its bundle is gone; `fail`: it would be tried and could not be deployed; `wait`: it cannot be taken as it
 * is; `refuse`: it can never be an application.
 */
export type ForeseenAction =
  | 'deploy'
  | 'replace'
  | 'store'
  | 'keep'
  | 'stop'
  | 'undeploy'
  | 'fail'
  | 'wait'
  | 'refuse';

/** What is deployed under a name now. */
export interface DeployedFact {
  /** As `Foreseen.place`. */
  readonly place: string;
  readonly version: string;
  readonly isServing: boolean;
  /** Key of the content that serves or would. */
  readonly key: string | undefined;
  /** Stopped by an operator. */
  readonly isHeld: boolean;
  /** What it was rolled back to, and the content of the drop folder that does not serve because of that. */
  readonly pin: { readonly number: number; readonly instead: string } | undefined;
}

/** What lies in the drop folder under a name, looked into. */
export type ContentFact =
  | {
      readonly key: string;
      readonly startWhen: 'eager' | 'lazy' | 'manual';
      readonly dependsOn: readonly string[];
    }
  | { readonly problem: string };

/** Everything the foresight goes by. */
export interface ForeseenFrom {
  readonly known: Known;
  readonly scan: Scan;
  readonly now: number;
  readonly settings: PlanSettings;
  readonly deployed: ReadonlyMap<string, DeployedFact>;
  readonly contents: ReadonlyMap<string, ContentFact>;
}

/** The names that a foresight must look into: those that would be taken. */
export function namesToLookInto(from: Omit<ForeseenFrom, 'contents'>): ReadonlySet<string> {
  return new Set(decided(from).taken.keys());
}

/**
 * What the deployer would do if the drop folder stayed as it is, in the order of names; pure, its cases are the table
 * test/fixtures/deployer/foresee-cases.txt. It is `plan`, asked until nothing waits for time any more, and put into words.
 */
export function foresee(from: ForeseenFrom): readonly Foreseen[] {
  const { scan, deployed } = from;
  const { taken, removed, waiting, paused } = decided(from);
  if (paused !== undefined) return [{ name: '', place: '', action: 'wait', why: paused }];
  const seen: Foreseen[] = [];
  for (const [name, place] of taken) seen.push(judge(name, place, from));
  for (const name of removed) {
    const { place = '' } = deployed.get(name) ?? {};
    seen.push({ name, place, action: 'undeploy', why: 'its bundle is not in the drop folder any more' });
  }
  for (const [name, why] of waiting) {
    if (taken.has(name)) continue;
    const { place = '' } = deployed.get(name) ?? {};
    seen.push({ name, place, action: 'wait', why });
  }
  if (scan.kind === 'listed')
    for (const { entry, reason } of scan.refused)
      seen.push({ name: entry, place: '', action: 'refuse', why: reason });
  const told = new Set(seen.map(({ name }) => name));
  for (const [name, fact] of deployed) {
    if (!told.has(name)) seen.push({ name, place: fact.place, action: 'keep', why: unchanged(fact) });
  }
  return overtaken(seen, from).sort((left, right) => (left.name < right.name ? -1 : 1));
}

interface Decided {
  /** Name → place. */
  readonly taken: ReadonlyMap<string, string>;
  readonly removed: ReadonlySet<string>;
  readonly waiting: ReadonlyMap<string, string>;
  readonly paused: string | undefined;
}

/** Looks again and again, so far apart that whatever waits for time alone is decided. */
function decided({ known, scan, now, settings }: Omit<ForeseenFrom, 'contents'>): Decided {
  const farMs = REMOVAL_WINDOW_MS + settings.stabilityWindowMs + settings.incompleteWindowMs;
  const taken = new Map<string, string>();
  const removed = new Set<string>();
  const waiting = new Map<string, string>();
  let paused: string | undefined;
  let current = known;
  for (let look = 0; look < EMPTY_LISTINGS + 2; look++) {
    const next = plan(current, scan, now + look * farMs, settings);
    current = next.known;
    for (const action of next.actions) {
      if (action.kind === 'take')
        taken.set(action.candidate.name, shownPlace(placeOf(action.candidate.context).id));
      else if (action.kind === 'remove') removed.add(action.name);
      else if (action.kind === 'report' && action.name === '') paused = action.message;
    }
    waiting.clear();
    for (const { candidate, reason } of next.waiting) waiting.set(candidate.name, reason);
  }
  return {
    taken,
    removed,
    waiting,
    paused: current.paused === undefined ? undefined : (paused ?? current.paused),
  };
}

function judge(name: string, place: string, { deployed, contents }: ForeseenFrom): Foreseen {
  const fact = deployed.get(name);
  const content = contents.get(name);
  const say = (action: ForeseenAction, why: string): Foreseen => ({ name, place, action, why });
  if (content === undefined)
    return say(fact === undefined ? 'deploy' : 'replace', 'its files are new or have changed');
  if ('problem' in content)
    return say('fail', `${content.problem}${fact?.isServing ? '; what serves goes on' : ''}`);
  if (fact?.pin?.instead === content.key)
    return say('keep', `it was rolled back to deployment ${fact.pin.number}, until its files change`);
  const hasMoved = fact !== undefined && fact.place !== place;
  if (fact?.key === content.key && !hasMoved) return say('keep', 'its content has not changed');
  if (fact?.isHeld) return say('store', 'its content is new; it was stopped by an operator and stays so');
  const after = content.dependsOn.length === 0 ? '' : `, after ${content.dependsOn.join(', ')}`;
  if (fact?.isServing) {
    const what = hasMoved ? `it moves here from ${fact.place}` : 'its content has changed';
    return say('replace', `${what}; the old one drains and stops when the new one is ready${after}`);
  }
  if (content.startWhen === 'lazy') return say('store', 'it starts with the first request');
  if (content.startWhen === 'manual') return say('store', 'it waits for a start by hand');
  return say(
    'deploy',
    `${fact === undefined ? 'it is new' : 'its content has changed, and it does not run'}${after}`,
  );
}

function unchanged({ isHeld, isServing, pin }: DeployedFact): string {
  if (pin !== undefined) return `it was rolled back to deployment ${pin.number}, until its files change`;
  if (isHeld) return 'it was stopped by an operator and stays so';
  return isServing ? 'its files have not changed' : 'its files have not changed; it does not run';
}

/** Of several versions of one place the highest serves: what is lower is not started, or stops. */
function overtaken(seen: readonly Foreseen[], { deployed, scan }: ForeseenFrom): Foreseen[] {
  const versions = new Map([...deployed].map(([name, { version }]) => [name, version]));
  if (scan.kind === 'listed')
    for (const { name, context } of scan.candidates) versions.set(name, context.version);
  const willServe = ({ name, action }: Foreseen): boolean =>
    action === 'deploy' ||
    action === 'replace' ||
    (action === 'keep' && deployed.get(name)?.isServing === true);
  return seen.map((one) => {
    if (!willServe(one)) return one;
    const higher = seen.find(
      (other) =>
        other.place === one.place &&
        willServe(other) &&
        compareVersions(versions.get(other.name) ?? '', versions.get(one.name) ?? '') > 0,
    );
    if (higher === undefined) return one;
    const isServing = deployed.get(one.name)?.isServing === true;
    const why = `${higher.name} is the higher version of ${one.place}`;
    return { ...one, action: isServing ? 'stop' : 'store', why };
  });
}
