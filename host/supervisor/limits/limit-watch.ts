import { readdir } from 'node:fs/promises';
import type { ProcessLimits } from '../../config/instance-settings.js';
import type { LimitExcess } from '../instance-end.js';

/** Of what the system lets a process use: it never gets quite all. */
const NEARLY_ALL = 0.95;

/**
 * Measures one process against its limits of processor time and files. Where the system enforces one, a process that uses it up
 * counts as beyond it. Each excess is told once, and again only after the
 * process was within the limit in between. Belongs to one process.
 */
export class LimitWatch {
  readonly #limits: ProcessLimits;
  readonly #isCpuHeld: boolean;
  /** Oldest first; the first one is as old as the window, or older. */
  #samples: { readonly atMs: number; readonly cpuSeconds: number }[] = [];
  #isBeyond = { cpu: false, files: false };

  /** `isCpuHeld`: the system holds it to its share of the processors. */
  constructor(limits: ProcessLimits, isCpuHeld = false) {
    this.#limits = limits;
    this.#isCpuHeld = isCpuHeld;
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
    const isBeyond = share > maxCpuShare * (this.#isCpuHeld ? NEARLY_ALL : 1);
    const isNew = isBeyond && !this.#isBeyond.cpu;
    this.#isBeyond.cpu = isBeyond;
    if (!isNew) return undefined;
    const used = `${Math.round(share * 100)}% of a processor`;
    const reason = `used ${used} over ${cpuWindowMs / 1000} s, limits.cpu is ${Math.round(maxCpuShare * 100)}%${this.#isCpuHeld ? ', which the system holds it to' : ''}`;
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
    const isBeyond = used >= maxFiles;
    const isNew = isBeyond && !this.#isBeyond.files;
    this.#isBeyond.files = isBeyond;
    if (!isNew) return undefined;
    const reason = `had ${used} files open, limits.files is ${maxFiles}`;
    return { event: 'files-limit', reason, used, limit: maxFiles };
  }
}
