/** Public entry `portico/testing`: run applications without a socket. */
export { PorticoError } from './errors.js';
