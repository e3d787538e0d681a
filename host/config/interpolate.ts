import { suggest } from './config-error.js';

/** Where `${NAME}` is looked up: usually `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The text with its variables put in, or why that cannot be done. */
export type Interpolation =
  | { readonly ok: true; readonly value: string | null }
  | { readonly ok: false; readonly message: string; readonly suggestion?: string };

const REFERENCE = /\$(\$?)\{([^}]*)(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/**
 * `${NAME}` must be set; `${NAME:text}` falls back to the text behind the first colon; `${?NAME}` alone gives null
 * when it is not set; `$${` stands for `${`. What comes from a variable is text and is not looked at again.
 */
export function interpolate(text: string, variables: Variables): Interpolation {
  if (!text.includes('${')) return { ok: true, value: text };
  let failure: Interpolation | undefined;
  let missingOptional = false;
  const value = text.replaceAll(REFERENCE, (whole: string, escaped: string, inner: string, close: string) => {
    if (escaped !== '') return whole.slice(1);
    const colon = inner.indexOf(':');
    const optional = inner.startsWith('?');
    const name = inner.slice(optional ? 1 : 0, colon < 0 ? undefined : colon);
    if (close === '' || !NAME.test(name)) {
      failure ??= {
        ok: false,
        message: `${JSON.stringify(whole.slice(0, 80))} is not a variable: write \${NAME} or \${NAME:default}, and $\${ for the plain characters`,
      };
      return '';
    }
    const found = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (found !== undefined) return found;
    if (colon >= 0) return inner.slice(colon + 1);
    if (optional) {
      missingOptional ||= whole === text;
      return '';
    }
    const near = suggest(name, Object.keys(variables));
    failure ??= {
      ok: false,
      message: `the variable ${name} is not set: set it or give a default with \${${name}:default}`,
      ...(near === undefined ? {} : { suggestion: near }),
    };
    return '';
  });
  return failure ?? { ok: true, value: missingOptional ? null : value };
}
