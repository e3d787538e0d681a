/** Public entry `portico`: the application framework. */
export { PorticoError } from './errors.js';
