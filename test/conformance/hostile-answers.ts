/**
 * Whatever an application gives, the client reads one response, whole or visibly cut, and the next response on the
 * connection is the one to its next request. An answer is 500 where nothing is said here.
 */
export const ANSWERS: Readonly<Record<string, string>> = {
  // Every way to write an application.
  'length-too-short': '200 he',
  'length-too-long': 'cut',
  'connection-fields': '200 hello',
  'connection-close': '200 hello',
  'body-204': '204 ',
  'body-205': '205 ',
  'body-304': '304 ',
  // A `(req, res)` application.
  'early-hints': '200 hello',
  'framing-in-trailer': '200 hello',
  'length-too-long-and-destroyed': 'cut',
  'length-and-coding': '200 hello',
  'coding-gzip': '200 hello',
  'coding-list': '200 hello',
  'many-100': '200 hello',
  'processing-102': '200 hello',
  'raw-two-responses': '200 hi',
  'raw-response-then-another': '200 hi',
  'raw-length-and-chunked': '200 hi',
  'raw-chunk-without-end': 'cut',
  'raw-huge-chunk': 'cut',
  'raw-204-with-body': '204 ',
  'raw-until-close': '200 hello',
  'head-line': '200 hello',
  'head-chunked-twice': 'cut',
  'head-of-20-kib': '200 hello',
  // A framework application.
  'stream-too-short': 'cut',
  'stream-too-long': '200 hello',
  'stream-of-204': '204 ',
  'stream-of-304': '304 ',
  'stream-that-fails': 'cut',
  'empty-chunks': '200 hello',
  response: 'cut',
};
/** The framework finds these before anything is sent. */
export const FOUND = ['length-too-short', 'length-too-long', 'connection-fields', 'connection-close'];
