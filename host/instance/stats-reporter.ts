import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { AgentReport } from './messages.js';

/**
 * Reports what the process uses, each `intervalMs`; also the heartbeat by which the supervisor knows a blocked event
 * loop. Keeps no process alive. Returns a function that ends it.
 */
export function reportStats(
  intervalMs: number,
  exchanges: () => number,
  send: (report: AgentReport) => void,
): () => void {
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    const memory = memoryNow();
    const cpu = process.cpuUsage();
    send({
      type: 'stats',
      rssBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      cpuUserMicros: cpu.user,
      cpuSystemMicros: cpu.system,
      utilization: Math.min(1, Math.max(0, utilization)),
      exchanges: exchanges(),
    });
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

type Memory = Pick<NodeJS.MemoryUsage, 'rss' | 'heapUsed'>;

/** The resident size is 0, nobody knows, when the application has used up the file descriptors: Node opens a file to find out. */
function memoryNow(): Memory {
  try {
    return process.memoryUsage();
  } catch {
    // The heartbeat must go on, and the supervisor can look for itself.
    return { rss: 0, heapUsed: getHeapStatistics().used_heap_size };
  }
}
