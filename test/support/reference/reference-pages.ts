import type { DocumentedEntry, DocumentedName } from './read-reference.js';

/** Pages in Markdown by file name: one for each entry, and `README.md` that leads to them. */
export function referencePages(entries: readonly DocumentedEntry[]): Readonly<Record<string, string>> {
  const index = [
    '# Reference',
    'Made from the declarations that ship, by `npm run docs`. Guides and examples are in `apps/`.',
    ...entries.map(
      (entry) =>
        `- [\`${entry.specifier}\`](${fileOf(entry)}) ${entry.names.map(({ name }) => name).join(', ')}`,
    ),
  ];
  return {
    'README.md': `${index.join('\n\n')}\n`,
    ...Object.fromEntries(entries.map((entry) => [fileOf(entry), pageOf(entry)])),
  };
}

/** File of the page of an entry: `portico-plugins-cors.md`. */
export function fileOf({ specifier }: DocumentedEntry): string {
  return `${specifier.replaceAll('/', '-')}.md`;
}

function pageOf(entry: DocumentedEntry): string {
  const rows = entry.names.map(
    ({ name, kind, doc }) => `| [${name}](#${name.toLowerCase()}) | ${kind} | ${summaryOf(doc)} |`,
  );
  const parts = [
    `# ${entry.specifier}`,
    entry.doc,
    ['| name | kind | |', '| --- | --- | --- |', ...rows].join('\n'),
    ...entry.names.map(sectionOf),
    '[All entries](README.md)',
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function sectionOf({ name, kind, doc, declarations, members }: DocumentedName): string {
  const parts = [`## ${name}`, `*${kind}*`, doc, codeOf(declarations.join('\n'))];
  for (const member of members) parts.push(codeOf(member.declaration), member.doc);
  return parts.filter((part) => part !== '').join('\n\n');
}

function codeOf(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

/** The first sentence, fit for a table. */
function summaryOf(doc: string): string {
  const [paragraph = ''] = doc.split('\n\n');
  const [sentence = ''] = paragraph.replaceAll('\n', ' ').split(/(?<=\.) (?=[A-Z`])/);
  return sentence.replaceAll('|', '\\|');
}
