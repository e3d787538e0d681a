import { leaf, show } from './setting-types.js';

/** A host name in lower case, with `*.` in front if `wildcard`: `shop.example`, `*.shop.example`. No address, no port. */
export function hostPattern({ wildcard }: { readonly wildcard: boolean }) {
  return leaf<string>((value, fail) => {
    if (typeof value !== 'string') return fail(`${show(value)} is not a host name`);
    const name = value.toLowerCase();
    const bare = name.startsWith('*.') ? name.slice(2) : name;
    if (bare !== name && !wildcard) return fail(`${show(value)} has a wildcard, which is not possible here`);
    if (bare.length > 253 || !NAME.test(bare) || /^[\d.]+$/.test(bare)) {
      const form = wildcard ? 'a name like shop.example or *.shop.example' : 'a name like shop.example';
      return fail(`${show(value)} is not a host name: write ${form}; other alphabets in their xn-- form`);
    }
    return name;
  });
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
