import { readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What filled the heap of a process that Node ended for it. Bytes. */
export interface HeapReport {
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Outside of the heap: buffers. */
  readonly externalBytes: number;
  /** Used bytes of the spaces of V8 that are not empty: `old_space`, `large_object_space`… */
  readonly spaces: Readonly<Record<string, number>>;
}

/**
 * Flags of Node that make it leave a report when its heap is full. They cost nothing before. The report lies beside the
 * exchange socket, in a folder of the server alone, since it holds the environment of the process.
 */
export function heapReportFlags(socketPath: string): readonly string[] {
  const file = reportFile(socketPath);
  return [
    '--report-on-fatalerror',
    '--report-compact',
    `--report-directory=${dirname(file)}`,
    `--report-filename=${basename(file)}`,
  ];
}

/**
 * Takes the report of a process that has ended, and deletes it; undefined when there is none: it ended otherwise, or may
 * not write there. Never rejects.
 */
export async function takeHeapReport(socketPath: string): Promise<HeapReport | undefined> {
  const file = reportFile(socketPath);
  try {
    const report: unknown = JSON.parse(await readFile(file, 'utf8'));
    const heap = recordOf(recordOf(report)['javascriptHeap']);
    const spaces = Object.entries(recordOf(heap['heapSpaces']))
      .map(([name, space]) => [name.slice(0, 50), bytes(recordOf(space)['used'])] as const)
      .filter(([, used]) => used > 0)
      .slice(0, 20);
    return {
      usedBytes: bytes(heap['usedMemory']),
      limitBytes: bytes(heap['memoryLimit']),
      externalBytes: bytes(heap['externalMemory']),
      spaces: Object.fromEntries(spaces),
    };
  } catch {
    // There is none, or the process ended while it wrote it.
    return undefined;
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

function reportFile(socketPath: string): string {
  return join(dirname(socketPath), `${basename(socketPath)}.report.json`);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function bytes(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
