/** Settings of properties: the same inputs each time, others with `HTTP1_SEED=…` in the environment. */
export function seeded(numRuns: number): { readonly numRuns: number; readonly seed: number } {
  return { numRuns, seed: Number(process.env['HTTP1_SEED'] ?? 20_261_122) };
}
