import type { DeploymentSpec } from '../deployment-process.js';

/** What only the start of a process decides, as a spare was started. */
export interface SpareStart {
  readonly maxHeapBytes: number;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Why an application cannot run in a process that was started for none; undefined when it can. `environment` is all that it
 * gets, but for what comes from files. Rights, heap and the variables that Node and the C library read at the start are those
 * of the spare, so they must be what the application would have got.
 */
export function spareMisfit(
  { manifest: { settings } }: Pick<DeploymentSpec, 'manifest'>,
  environment: Readonly<Record<string, string>>,
  start: SpareStart,
): string | undefined {
  const { user, group, sandbox, secretFiles } = settings.isolation;
  if (user !== undefined || group !== undefined) return 'it runs as a user or group of its own';
  if (sandbox !== undefined) return 'it has a sandbox';
  if ((settings.processLimits?.maxFiles ?? 0) > 0)
    return 'its limits.files counts at the start of a process only';
  if (settings.maxHeapBytes !== start.maxHeapBytes) return 'its limits.heap is not that of applications:';
  const names = new Set([...Object.keys(environment), ...Object.keys(start.environment)]);
  for (const name of names) {
    if (READ_AT_START.test(name) && environment[name] !== start.environment[name])
      return `${name} counts at the start of a process only`;
  }
  const secret = Object.keys(secretFiles).find((name) => READ_AT_START.test(name));
  return secret === undefined ? undefined : `${secret} counts at the start of a process only`;
}

/** Variables that Node, V8, libuv, OpenSSL, ICU or the C library look at when a process begins, or before it runs a program. */
const READ_AT_START =
  /^(?:NODE_(?!ENV$)|UV_|V8_|LD_|DYLD_|MALLOC_|GLIBC_|GCONV_|OPENSSL_|SSL|ICU_|LC_|LANG|TZ|HOME$|LOCPATH$|NLSPATH$|RES_OPTIONS$|LOCALDOMAIN$|HOSTALIASES$)/;
