import { PorticoError } from '../errors.js';
import type { Application, Module } from './application.js';

/**
 * Runs one module; `name` is what its configuration calls it, otherwise its own name is told. One that calls itself
 * without an end uses up the stack, of which the engine of JavaScript only says that it happened: rejects with
 * `PORTICO_MODULE_RECURSION`, which says where.
 */
export async function runModule(module: Module, application: Application, name?: string): Promise<void> {
  try {
    await module(application);
  } catch (error) {
    throw isStackOverflow(error) ? recursion(name ?? nameOf(module), error) : error;
  }
}

/** By name and text: code that runs in a context of its own has a RangeError of its own. */
function isStackOverflow(error: unknown): error is Error {
  return (
    error instanceof Object &&
    (error as Error).name === 'RangeError' &&
    (error as Error).message === 'Maximum call stack size exceeded'
  );
}

function nameOf({ name }: Module): string {
  return name === '' ? 'without a name' : name;
}

function recursion(name: string, cause: Error): PorticoError {
  return new PorticoError(
    'PORTICO_MODULE_RECURSION',
    `Module ${name} calls itself, or functions that call each other, without an end: the stack is used up. ` +
      'Look at the first lines of the stack of the cause; a module need not call itself, it is run once.',
    { cause },
  );
}
