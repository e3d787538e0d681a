import { readdir } from 'node:fs/promises';
import type { ProcessLimits } from '../config/instance-settings.js';
import type { LimitExcess } from './instance-end.js';

/**
 * Measures one process against the limits that nothing enforces. Each excess is told once, and again only after the
 * process was within the limit in between. Belongs to one process.
 */
export class LimitWatch {
  readonly #limits: ProcessLimits;
  /** Oldest first; the first one is as old as the window, or older. */
  #samples: { readonly atMs: number; readonly cpuSeconds: number }[] = [];
  #isBeyond = { cpu: false, files: false };

  constructor(limits: ProcessLimits) {
    this.#limits = limits;
  }

  /** `cpuSeconds`: used by the process since it began. Nothing is said before a whole window has been seen. */
  cpu(atMs: number, cpuSeconds: number): LimitExcess | undefined {
    const { maxCpuShare, cpuWindowMs } = this.#limits;
    if (maxCpuShare === 0) return undefined;
    this.#samples.push({ atMs, cpuSeconds });
    while ((this.#samples[1]?.atMs ?? atMs) <= atMs - cpuWindowMs) this.#samples.shift();
    const [first] = this.#samples;
    if (first === undefined || first.atMs > atMs - cpuWindowMs) return undefined;
    const share = (cpuSeconds - first.cpuSeconds) / ((atMs - first.atMs) / 1000);
    const isBeyond = share > maxCpuShare;
    const isNew = isBeyond && !this.#isBeyond.cpu;
    this.#isBeyond.cpu = isBeyond;
    if (!isNew) return undefined;
    const used = `${Math.round(share * 100)}% of a processor`;
    const reason = `used ${used} over ${cpuWindowMs / 1000} s, limits.cpu is ${Math.round(maxCpuShare * 100)}%`;
    return { event: 'cpu-limit', reason, used: share, limit: maxCpuShare };
  }

  /** Counts the open descriptors where `/proc` tells them (Linux); nothing is found elsewhere. */
  async files(pid: number): Promise<LimitExcess | undefined> {
    const { maxFiles } = this.#limits;
    if (maxFiles === 0) return undefined;
    const used = await readdir(`/proc/${pid}/fd`).then(
      (names) => names.length,
      () => 0,
    );
    const isNew = used > maxFiles && !this.#isBeyond.files;
    this.#isBeyond.files = used > maxFiles;
    if (!isNew) return undefined;
    const reason = `had ${used} files open, limits.files is ${maxFiles}`;
    return { event: 'files-limit', reason, used, limit: maxFiles };
  }
}
