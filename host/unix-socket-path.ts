/** Longest path of a Unix socket on Linux: `sun_path` has 108 bytes with the closing NUL; other systems have 104. */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
