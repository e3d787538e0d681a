/** Public entry `portico/container`: the host, for programs that embed it and for tests. */
export { PorticoError } from './errors.js';
