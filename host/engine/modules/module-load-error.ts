import { PorticoError } from '../../errors.js';

/**
 * A file or a module function of an application that could not be loaded. Codes: `PORTICO_ENTRY_MISSING`,
 * `PORTICO_ENTRY_OUTSIDE`, `PORTICO_MODULE_IS_PROGRAM`, `PORTICO_TYPESCRIPT_UNSUPPORTED`, `PORTICO_SYNTAX_ERROR`,
 * `PORTICO_DEPENDENCY_MISSING`, `PORTICO_MODULE_THREW`, `PORTICO_EXPORT_MISSING`, `PORTICO_EXPORT_NOT_A_FUNCTION`.
 */
export class ModuleLoadError extends PorticoError {
  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
    this.name = 'ModuleLoadError';
  }
}
