import { domainToASCII } from 'node:url';
import { hostOfAuthority } from './host-name.js';

/**
 * Names of hosts by which applications call each other: `shop.portico.internal` for the application `shop`. `.internal` is
 * kept for private use, so no resolver outside knows them.
 */

/** Behind the name of the application. */
const DOMAIN = 'portico.internal';

/**
 * The host of an application, by its name without version: in lower case, `--` for `#`, other scripts in their ASCII form:
 * `foo--bar.portico.internal` for `foo#bar`, `root.portico.internal` for `ROOT`. Undefined where a URL cannot hold it.
 */
export function internalHostOf(application: string): string | undefined {
  const host = domainToASCII(`${application.replaceAll('#', '--').toLowerCase()}.${DOMAIN}`);
  return host === '' ? undefined : host;
}

/** Whether an authority in lower case, `shop.portico.internal:80`, names an application, or all of them. */
export function isInternalAuthority(authority: string): boolean {
  // Of every request from outside this is asked, so the first look is a cheap one.
  return authority.includes(DOMAIN) && isInternalHost(hostOfAuthority(authority));
}

/** The same for a host without port, in lower case. */
export function isInternalHost(host: string): boolean {
  return host.endsWith(`.${DOMAIN}`) || host === DOMAIN;
}

/**
 * The name of an application as a field value: visible ASCII, what is not in it percent-encoded. Names hold no percent sign.
 */
export function callerName(application: string): string {
  return encodeURI(application);
}
