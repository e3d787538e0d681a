import { messageOf, PorticoError } from '../../../errors.js';
import { packageVersion } from '../../../package-version.js';
import { type BoundedAnswer, sendBounded } from '../bounded-request.js';

/**
 * Sends a question to a responder (RFC 6960, appendix A.1) and gives its answer, unchecked. Rejects with
 * `PORTICO_OCSP_UNREACHABLE`.
 */
export async function askResponder(url: URL, question: Buffer, signal: AbortSignal): Promise<Buffer> {
  let answer: BoundedAnswer;
  try {
    answer = await sendBounded(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/ocsp-request',
        'content-length': String(question.length),
        accept: 'application/ocsp-response',
        'user-agent': `portico/${packageVersion()}`,
      },
      body: question,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
      maxBytes: MAX_ANSWER_BYTES,
    });
  } catch (cause) {
    throw unreachable(url, messageOf(cause), cause);
  }
  if (answer.status !== 200) throw unreachable(url, `it answers with status ${answer.status}`);
  return answer.body;
}

const REQUEST_MS = 15_000;
/** One answer has one or two kilobytes. It goes into every handshake. */
const MAX_ANSWER_BYTES = 16 * 1024;

function unreachable(url: URL, reason: string, cause?: unknown): PorticoError {
  return new PorticoError(
    'PORTICO_OCSP_UNREACHABLE',
    `The OCSP responder ${url.href} cannot be asked: ${reason}. It is asked again later; check the network, or "tls.ocspResponder".`,
    { cause },
  );
}
