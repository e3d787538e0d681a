import { parameterOf, parseHeaderValues } from '../../http/header-value.js';
import { MediaType } from '../../http/media-type.js';

/** What the header fields of a part say. */
export interface PartHead {
  readonly name: string;
  /** Undefined for fields. */
  readonly fileName: string | undefined;
  readonly contentType: string | undefined;
  /** Makes the bytes of a field a text. */
  readonly decode: (bytes: Buffer) => string;
}

/** Reads the head of a part (RFC 7578 §4.2); gives a text that says what is wrong with it. */
export function readPartHead(fields: Readonly<Record<string, readonly string[]>>): PartHead | string {
  const [disposition] = parseHeaderValues(utf8(fields['content-disposition']?.[0]));
  if (disposition?.value.toLowerCase() !== 'form-data') return 'a part has no Content-Disposition: form-data';
  const name = parameterOf(disposition, 'name');
  if (name === undefined) return 'a part has no name';
  const contentType = utf8(fields['content-type']?.[0]);
  const decode = decoderOf(contentType);
  if (decode === undefined) return 'a part has a charset that is not known';
  const fileName = parameterOf(disposition, 'filename');
  return {
    name,
    // RFC 7578 §4.2: a part with a file name is a file; §4.4: so is one of this type for old clients.
    fileName:
      fileName === undefined
        ? contentType?.toLowerCase() === 'application/octet-stream'
          ? ''
          : undefined
        : baseName(fileName),
    contentType,
    decode,
  };
}

/** The parser gives one character for each byte; clients send UTF-8 (RFC 7578 §5.1.1). */
function utf8(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'latin1').toString('utf8');
}

function decoderOf(contentType: string | undefined): PartHead['decode'] | undefined {
  const charset = MediaType.parseOrUndefined(contentType ?? '')?.charset ?? 'utf-8';
  if (charset === 'utf-8') return (bytes) => bytes.toString('utf8');
  try {
    const decoder = new TextDecoder(charset);
    return (bytes) => decoder.decode(bytes);
  } catch {
    // Told by the caller as a malformed form.
    return undefined;
  }
}

/** RFC 7578 §4.2: folders of the client's machine are left away. A name that means a folder is no name. */
function baseName(fileName: string): string {
  const name = fileName.slice(Math.max(fileName.lastIndexOf('/'), fileName.lastIndexOf('\\')) + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no file name has one
  return name === '.' || name === '..' ? '' : name.replace(/[\u0000-\u001f\u007f]/g, '');
}
