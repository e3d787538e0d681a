import { lookup } from 'mrmime';

/**
 * Value of Content-Type for a file name. Text, scripts, JSON, XML and SVG are declared as UTF-8. Unknown extensions are
 * `application/octet-stream`; with `nosniff` a browser then saves the file and never guesses that it is a page.
 */
export function contentTypeOf(fileName: string): string {
  // A name without a dot has no extension; `lookup` would take the whole name for one.
  const type = fileName.includes('.') ? lookup(fileName) : undefined;
  if (type === undefined) return 'application/octet-stream';
  return TEXTUAL.test(type) ? `${type}; charset=utf-8` : type;
}

const TEXTUAL =
  /^text\/|^application\/(?:javascript|ecmascript|json|manifest\+json|xml|xhtml\+xml|[\w.-]+\+(?:json|xml))$|^image\/svg\+xml$/;
