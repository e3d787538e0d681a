import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PorticoError } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { readVectors } from '#test/support/vectors.js';

interface SelectionCase {
  readonly name: string;
  readonly holder: 'top-level' | 'object' | 'static' | null;
  readonly reference: string;
  readonly overloads: readonly { readonly id: string; readonly params: readonly string[] }[];
  readonly expect: { readonly called?: string; readonly awaited?: boolean; readonly error?: string };
}

const skipped = readVectors<{ 'module-selection': { cases: string[] } }>('skips')[
  'module-selection'
].cases.map((name) => name.replace(/^cases /, ''));
const { cases } = readVectors<{ cases: SelectionCase[] }>('module-selection');

let folder: TemporaryFolder;
beforeAll(() => {
  folder = new TemporaryFolder();
});
afterAll(() => folder.remove());

/** The function of a case: tells what it was called with, `await`s first where that matters. */
function functionText({ overloads, expect: expected }: SelectionCase): string {
  const [overload] = overloads;
  const params = (overload?.params ?? []).map((type, index) =>
    type.endsWith('=default') ? `p${index} = true` : `p${index}`,
  );
  const body = `{
    ${expected.awaited === true ? 'await new Promise((resolve) => setImmediate(resolve));' : ''}
    globalThis.called = { id: '${overload?.id}', isApplication: ${params[0] ?? 'undefined'}?.environment !== undefined };
  }`;
  return `${expected.awaited === true ? 'async ' : ''}main(${params.join(', ')}) ${body}`;
}

/** `Holder.main` becomes a file: a function of the file, or one of an object or a class that it exports. */
function fileText(one: SelectionCase): string {
  const text = functionText(one);
  if (one.holder === 'object') return `export const Holder = { ${text} };`;
  if (one.holder === 'static') return `export class Holder { static ${text} }`;
  return `export ${text.replace(/^(async )?/, '$1function ')}`;
}

describe('vectors module-selection', () => {
  const runnable = cases.filter(({ name }) => !skipped.includes(name));

  it('skips only what needs overloads', () => {
    expect(
      cases
        .filter(({ overloads }) => overloads.length > 1)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...skipped].sort());
  });

  it.each(runnable)('$name', async (one) => {
    const at = folder.write(
      one.name.replaceAll(' ', '-'),
      one.holder === null ? {} : { 'Holder.mjs': fileText(one) },
    );
    const [holder = '', name = ''] = one.reference.split(/[.#]/);
    const reference = `./${holder}.mjs#${one.holder === 'top-level' ? name : `Holder.${name}`}`;
    const server = embeddedServer(CIO, {
      folder: at,
      port: 0,
      log: quiet,
      config: { ktor: { application: { modules: [reference] } } },
    });
    const started = server.start();
    if (one.expect.error !== undefined) {
      const error: unknown = await started.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(PorticoError);
      expect((error as PorticoError).code).toMatch(/^PORTICO_(?:EXPORT|ENTRY)_MISSING$/);
      expect((error as PorticoError).message).toContain(one.holder === null ? 'Nope.mjs' : 'Holder.nope');
      return;
    }
    await started;
    await server.stop(0);
    const { called } = globalThis as unknown as { called: { id: string; isApplication: boolean } };
    expect(called).toEqual({
      id: one.expect.called,
      isApplication: one.overloads[0]?.params[0] === 'Application',
    });
  });
});

const ignore = (): void => undefined;
const quiet = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
