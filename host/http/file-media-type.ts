import { mimes } from 'mrmime';
import { MediaType } from './media-type.js';

/**
 * Media type of a file extension, with or without its dot, in any case; undefined when it is not known. For static
 * content and uploads only: it brings a table of types along.
 */
export function mediaTypeOfExtension(extension: string): MediaType | undefined {
  const text = mimes[extension.replace(/^\./, '').toLowerCase()];
  return text === undefined ? undefined : MediaType.parse(text);
}

/** Media type of a file by the last dot of its name; both kinds of slashes separate folders. */
export function mediaTypeOfFile(path: string): MediaType | undefined {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? undefined : mediaTypeOfExtension(name.slice(dot + 1));
}

/** Extensions of a media type without dots, sorted; none when it is not known. */
export function extensionsOf(mediaType: MediaType): readonly string[] {
  const { essence } = mediaType;
  return Object.keys(mimes)
    .filter((extension) => mimes[extension] === essence)
    .sort();
}
