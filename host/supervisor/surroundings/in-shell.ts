/** What a shell sets before it becomes the program. */
export interface ShellSettings {
  readonly umask: number | undefined;
  /** Open files at most; 0: as they are. */
  readonly maxFiles: number;
  /** It waits for a line on this descriptor, and closes it. */
  readonly waitsOn?: number | undefined;
}

/**
 * Program and arguments, by way of a shell where something is to be set that Node can set for itself only. The shell becomes the
 * program, so there is no process more. A limit above that of the host stays that of the host.
 */
export function inShell(
  command: readonly string[],
  { umask, maxFiles, waitsOn }: ShellSettings,
): readonly string[] {
  const lines = [
    ...(umask === undefined ? [] : [`umask ${umask.toString(8)}`]),
    ...(maxFiles === 0 ? [] : [`ulimit -n ${Math.max(LEAST_FILES, maxFiles)} 2>/dev/null || :`]),
    ...(waitsOn === undefined ? [] : [`read -r _ <&${waitsOn}`, `exec ${waitsOn}<&-`]),
  ];
  return lines.length === 0
    ? command
    : ['/bin/sh', '-c', [...lines, 'exec "$0" "$@"'].join('\n'), ...command];
}

/** With fewer no program of Node begins. */
const LEAST_FILES = 64;
