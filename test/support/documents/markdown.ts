/** A fenced block of a markdown file: ```` ```ts file=board/src/app.ts ````. */
export interface Fence {
  readonly language: string;
  /** What `file=` says, behind the language. */
  readonly file: string | undefined;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

/** All fenced blocks, in order. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', ticks, language = '', info = ''] =
      /^( *)(`{3,})([\w+-]*) *(.*)$/.exec(lines[at] ?? '') ?? [];
    if (ticks === undefined) continue;
    const line = at + 1;
    const body: string[] = [];
    // The end may have more ticks than the beginning (CommonMark §4.5).
    const end = new RegExp(`^ *\`{${ticks.length},} *$`);
    for (at++; at < lines.length && !end.test(lines[at] ?? ''); at++)
      body.push((lines[at] ?? '').slice(indent.length));
    fences.push({ language, file: /\bfile=(\S+)/.exec(info)?.[1], text: `${body.join('\n')}\n`, line });
  }
  return fences;
}

/** The text without its fenced blocks and spans of code, where links and headings are not meant. */
function proseOf(markdown: string): string {
  return markdown
    .replace(/^( *)(`{3,}).*\n[\s\S]*?\n *\2$/gm, '')
    .replace(/(`+)[^`\n]*?\1/g, (code) => code.replace(/[[\]()]/g, ' '));
}

/** Anchors of the headings, as GitHub makes them. */
export function anchorsOf(markdown: string): string[] {
  const seen = new Map<string, number>();
  return [...proseOf(markdown).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

/** Where links and images lead, in order. */
export function linksOf(markdown: string): string[] {
  return [...proseOf(markdown).matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)].map(([, link = '']) => link);
}
