import type { ServerResponse } from 'node:http';
import type { Fields } from '../../http/field-block.js';
import { pairsOf } from './node-response-fields.js';

/** Writes an interim response as far as `node:http` knows it: 100, 102, and 103 with its links. Others are left out. */
export function writeInterim(response: ServerResponse, status: number, fields: Fields): void {
  switch (status) {
    case 100:
      response.writeContinue();
      break;
    case 102:
      response.writeProcessing();
      break;
    case 103: {
      const hints = pairsOf(fields);
      const link = hints.filter(([name]) => name.toLowerCase() === 'link').map(([, value]) => value);
      if (link.length > 0) response.writeEarlyHints({ link });
      break;
    }
    default:
      break;
  }
}
