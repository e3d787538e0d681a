import { expect } from '@jest/globals';
import type { TestClient } from 'portico/testing';
import type { Fence } from './markdown.js';

/** Head lines and body of a request or an answer. */
interface Message {
  readonly first: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A request with the answer that the document promises. */
export interface Turn {
  readonly method: string;
  readonly path: string;
  readonly request: Message;
  readonly status: number;
  readonly answer: Message;
}

const REQUEST_LINE = /^([A-Z]+) (\/\S*)$/;
const STATUS_LINE = /^HTTP\/1\.1 (\d{3})\b/;

/**
 * Reads an `http` block: requests, each with the answer below it. An answer names the headers that count; `…` stands for
 * any text, also in bodies; without a body nothing is said about it.
 */
export function turnsOf({ text, line }: Fence): Turn[] {
  const messages: Message[] = [];
  for (const part of text.split(/^(?=[A-Z]+ \/\S*$|HTTP\/1\.1 \d{3})/m)) {
    const [head = '', ...body] = part.split('\n\n');
    const [first = '', ...lines] = head.trimEnd().split('\n');
    if (first === '') continue;
    const headers = lines.map((one) => {
      const colon = one.indexOf(':');
      return [one.slice(0, colon), one.slice(colon + 1).trim()] as const;
    });
    messages.push({ first, headers, body: body.join('\n\n').trimEnd() });
  }
  const turns: Turn[] = [];
  for (let i = 0; i < messages.length; i += 2) {
    const [request, answer] = messages.slice(i, i + 2);
    const [, method, path] = REQUEST_LINE.exec(request?.first ?? '') ?? [];
    const [, status] = STATUS_LINE.exec(answer?.first ?? '') ?? [];
    if (!request || !answer || !method || !path || !status)
      throw new Error(`The http block in line ${line} is no list of requests and answers.`);
    turns.push({ method, path, request, status: Number(status), answer });
  }
  return turns;
}

/** Sends the requests of a block one after the other and compares the answers. */
export async function play(turns: readonly Turn[], client: TestClient): Promise<void> {
  for (const { method, path, request, status, answer } of turns) {
    const response = await client.request(method, path, {
      headers: Object.fromEntries(request.headers),
      ...(request.body === '' ? {} : { body: request.body }),
    });
    const body = await response.text();
    const wanted = {
      status,
      headers: {} as Record<string, unknown>,
      body: answer.body === '' ? '' : like(answer.body),
    };
    const found = {
      status: response.status,
      headers: {} as Record<string, unknown>,
      body: answer.body === '' ? '' : compact(body),
    };
    for (const [name, value] of answer.headers) {
      wanted.headers[name] = like(value);
      found.headers[name] = response.header(name) ?? 'not there';
    }
    expect({ [`${method} ${path}`]: found }).toEqual({ [`${method} ${path}`]: wanted });
  }
}

/** Text that may leave out something by `…`. */
function like(text: string): unknown {
  const exact = compact(text);
  if (!exact.includes('…')) return exact;
  const pattern = exact.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return expect.stringMatching(new RegExp(`^${pattern.join('[\\s\\S]*')}$`));
}

/** JSON without spaces between its parts; any other text without the end of its last line. */
function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    // No JSON.
    return text.trimEnd();
  }
}
