/** Public entry `portico/embedded`: engines that need no host. */
export { PorticoError } from './errors.js';
