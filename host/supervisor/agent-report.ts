import type { AgentReport, ApplicationKind, BootStep } from '../instance/messages.js';

/**
 * Reads a message from an instance. The process runs application code, so anything may arrive: what is not exactly
 * a report gives undefined, texts are cut, numbers are finite and not negative.
 */
export function parseReport(message: unknown): AgentReport | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const report = message as Readonly<Record<string, unknown>>;
  switch (report['type']) {
    case 'hello':
      return { type: 'hello', pid: amount(report['pid']) };
    case 'ready': {
      const kind = KINDS.find((known) => known === report['kind']);
      return kind === undefined ? undefined : { type: 'ready', kind };
    }
    case 'failed': {
      const step = STEPS.find((known) => known === report['step']);
      if (step === undefined) return undefined;
      return {
        type: 'failed',
        step,
        code: text(report['code'], 200),
        message: text(report['message'], 4096),
        stack: text(report['stack'], 16_384),
      };
    }
    case 'function-ended':
      return {
        type: 'function-ended',
        id: amount(report['id']),
        isDone: report['isDone'] === true,
        text: text(report['text'], 1000),
      };
    case 'prepared':
    case 'booting':
    case 'stop-requested':
      return { type: report['type'] };
    case 'stats':
      return {
        type: 'stats',
        rssBytes: amount(report['rssBytes']),
        heapUsedBytes: amount(report['heapUsedBytes']),
        cpuUserMicros: amount(report['cpuUserMicros']),
        cpuSystemMicros: amount(report['cpuSystemMicros']),
        utilization: Math.min(1, amount(report['utilization'])),
        exchanges: amount(report['exchanges']),
      };
    default:
      return undefined;
  }
}

const KINDS: readonly ApplicationKind[] = ['framework', 'server', 'program'];
const STEPS: readonly BootStep[] = ['load', 'configure', 'start', 'listen'];

function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

function text(value: unknown, maxLength: number): string {
  return typeof value === 'string' ? value.slice(0, maxLength) : '';
}
