import { BAD_CONTENTS } from './applications.js';
import type { StressedHost } from './stressed-host.js';

/** One thing that happens while everything is under load. */
export interface Step {
  readonly name: string;
  /** Also in the short form. */
  readonly isShort: boolean;
  /** Resolves when its consequences are over. */
  readonly strike: (stressed: StressedHost) => Promise<void>;
}

const SHORT_BAD = ['throws when it is loaded', 'fails its health gate'];

const step = (name: string, isShort: boolean, strike: Step['strike']): Step => ({ name, isShort, strike });
const signal = (name: NodeJS.Signals, isShort: boolean) =>
  step(`a process gets ${name}`, isShort, (stressed) =>
    stressed.lose('victim', (pid) => process.kill(pid, name)),
  );
const wound = (name: string, path: string, isShort: boolean) =>
  step(name, isShort, (stressed) => stressed.lose('victim', () => stressed.provoke(`/victim${path}`)));

/** The plan, in its order. */
export const STEPS: readonly Step[] = [
  step('two redeploys at once', true, async (stressed) => {
    await Promise.all(['rolling', 'module'].map((name) => stressed.redeploy(name)));
  }),
  ...Object.entries(BAD_CONTENTS).map(([what, content]) =>
    step(`a bundle that ${what}`, SHORT_BAD.includes(what), (stressed) =>
      stressed.refuse('refused', content),
    ),
  ),
  step('an application comes and goes', true, (stressed) => stressed.comeAndGo('guest')),
  signal('SIGKILL', true),
  signal('SIGTERM', false),
  signal('SIGSEGV', false),
  signal('SIGSTOP', false),
  wound('a process aborts', '/abort', false),
  wound('a process exits', '/exit', false),
  wound('a process throws', '/throw', false),
  wound('a process rejects', '/reject', false),
  wound('a process blocks', '/loop', true),
  wound('a process fills its heap', '/fill', true),
  step('a redeploy while another process blocks', false, async (stressed) => {
    await Promise.all([
      stressed.lose('victim', () => stressed.provoke('/victim/loop')),
      stressed.redeploy('rolling'),
      stressed.redeploy('module'),
    ]);
  }),
  step('the front is killed', true, (stressed) => stressed.loseFront()),
  step('the server is killed', false, (stressed) => stressed.loseServer()),
];
