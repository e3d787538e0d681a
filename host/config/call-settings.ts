import { z } from 'zod';
import { internalHostOf } from '../http/internal-name.js';
import { leaf, show } from './setting-types.js';

/** The proof of a caller carries its list, and goes with each call. */
const MAX_NAMES = 50;

const name = leaf((value, fail) => {
  if (typeof value !== 'string' || value === '' || value.length > 160 || /[\s%/\\]/.test(value))
    return fail(`${show(value)} is no name of an application`);
  if (value.includes('##'))
    return fail(
      `${show(value)} names a version: write the application alone, the mapping chooses the version`,
    );
  return internalHostOf(value) === undefined
    ? fail(`${show(value)} cannot be written as the name of a host, so it cannot be called`)
    : value.normalize('NFC');
});

/** `calls:` of an application: names of others, without version. One list replaces the other as a whole. */
export const callsSchema = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : (value ?? undefined)),
  z
    .array(name)
    .max(MAX_NAMES, `at most ${MAX_NAMES} names`)
    .superRefine((names, context) => {
      const hosts = names.map((one) => internalHostOf(one));
      for (const [index, host] of hosts.entries()) {
        const first = hosts.indexOf(host);
        if (first === index) continue;
        const message = `${show(names[index])} has the host ${host}, as ${show(names[first])} has: rename one of the two`;
        context.addIssue({ code: 'custom', path: [index], message });
      }
    })
    .optional(),
);
