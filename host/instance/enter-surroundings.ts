import type { BootPlan } from './messages.js';

/**
 * Makes the surroundings of an application, before anything of it is loaded: its environment and no variable more, its
 * folder as working directory, its umask. The same whether the process was started for it or waited for any application.
 */
export function enterSurroundings(
  { folder, umask }: Pick<BootPlan, 'folder' | 'umask'>,
  environment: Readonly<Record<string, string>>,
): void {
  for (const name of Object.keys(process.env))
    if (!Object.hasOwn(environment, name)) delete process.env[name];
  for (const [name, value] of Object.entries(environment))
    if (process.env[name] !== value) process.env[name] = value;
  process.chdir(folder);
  if (umask !== undefined) process.umask(umask);
}
