import { parseContextName } from '#host/bundle/context-name.js';
import type { Candidate, CandidateSource, RefusedEntry, Scan } from '#host/deployer/scan/candidate.js';
import { roleOf } from '#host/deployer/scan/file-name.js';

/** What a scan finds in a folder that is described in the words of test/fixtures/deployer/plan-cases.txt. */
export function scanOf(listing: string): Scan {
  if (listing.includes('(unreadable)')) return { kind: 'unreadable', reason: 'EIO: i/o error' };
  const identity = listing.includes('(other folder)') ? '1:99' : '1:1';
  const drafts = new Map<string, Draft>();
  const refused: RefusedEntry[] = [];
  for (const text of listing
    .replace('(other folder)', '')
    .replace('(nothing)', '')
    .split(/\s+(?![^(]*\))/)) {
    if (text === '') continue;
    const match = /^([^=]+)=([^(]*)(?:\((.*)\))?$/.exec(text);
    if (match === null) throw new Error(`entry ${text} cannot be understood`);
    const [, entry = '', signature = '', notes = ''] = match;
    const isFolder = entry.endsWith('/');
    const role = roleOf(isFolder ? entry.slice(0, -1) : entry, isFolder ? 'folder' : 'file');
    if (!('name' in role)) throw new Error(`entry ${text} is passed over`);
    const named = parseContextName(role.name);
    if (!named.ok) {
      refused.push({ entry: role.name, code: 'PORTICO_NAME_INVALID', reason: named.reason });
      continue;
    }
    const draft = drafts.get(role.name) ?? {
      sources: [],
      elsewhere: undefined,
      descriptor: undefined,
      marker: undefined,
      contextPath: undefined,
      host: undefined,
    };
    drafts.set(role.name, draft);
    const quietMs = Number(/quiet=(\d+)/.exec(notes)?.[1] ?? 0);
    if (role.role === 'marker') draft.marker = { path: entry, signature };
    else if (role.role === 'descriptor') {
      draft.descriptor = { path: entry, signature, content: signature, quietMs, problem: undefined };
      draft.contextPath = /context=([^,]+)/.exec(notes)?.[1];
      draft.host = /host=([^,]+)/.exec(notes)?.[1];
      const bundle = /bundle=([^=]+)=([^,]+)/.exec(notes);
      if (bundle) draft.elsewhere = sourceOf(bundle[1] ?? '', bundle[2] ?? '', quietMs);
    } else draft.sources.push(sourceOf(`/apps/${entry}`, signature, quietMs));
  }
  const candidates = [...drafts].map(([name, draft]): Candidate => {
    const named = parseContextName(name);
    if (!named.ok) throw new Error(named.reason);
    const sources = draft.sources.sort((left, right) => rank(left.path) - rank(right.path));
    return {
      name,
      context: {
        ...named.value,
        contextPath: draft.contextPath ?? named.value.contextPath,
        host: draft.host,
      },
      sources: draft.elsewhere === undefined ? sources : [draft.elsewhere, ...sources],
      descriptor: draft.descriptor,
      marker: draft.marker,
    };
  });
  candidates.sort((left, right) => (left.name < right.name ? -1 : 1));
  return { kind: 'listed', identity, candidates, refused };
}

function sourceOf(path: string, text: string, quietMs: number): CandidateSource {
  return {
    kind: path.endsWith('/') ? 'folder' : 'archive',
    path,
    signature: text.replace(/[?!]$/, ''),
    complete: !text.endsWith('?'),
    quietMs,
    problem: text.endsWith('!') ? 'EACCES: permission denied' : undefined,
  };
}

function rank(path: string): number {
  return ['.tgz', '.tar.gz', '.zip', '/'].findIndex((ending) => path.endsWith(ending));
}

interface Draft {
  sources: CandidateSource[];
  elsewhere: CandidateSource | undefined;
  descriptor: Candidate['descriptor'];
  marker: Candidate['marker'];
  contextPath: string | undefined;
  host: string | undefined;
}
