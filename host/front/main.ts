/**
 * The front's process: started by the server with fork(), obeys FrontCommand, sends FrontReport. It ends when it has
 * drained, or when the server is gone.
 */
import process from 'node:process';
import { messageOf } from '../errors.js';
import { Front } from './front.js';
import type { FrontCommand, FrontReport } from './messages.js';

/** What a front whose server has gone may still finish. */
const ORPHAN_DRAIN_MS = 2000;

const front = new Front({
  report: (report: FrontReport, onSent?: () => void) => {
    if (process.connected !== true || process.send === undefined) onSent?.();
    // A report that cannot be sent has lost its reader: the server is gone, and `disconnect` follows.
    else process.send(report, undefined, undefined, () => onSent?.());
  },
  problem: (message: string) => {
    process.stderr.write(`front: ${message}\n`);
  },
  exit: (code: number) => {
    process.exit(code);
  },
});

process.on('message', (command, handle) => front.obey(command as FrontCommand, handle));
process.on('disconnect', () => front.obey({ type: 'drain', deadlineMs: ORPHAN_DRAIN_MS }, undefined));

// The server decides when a front ends; a Ctrl+C in the terminal reaches every process of the group.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

process.on('uncaughtException', (thrown: unknown) => {
  process.stderr.write(
    `front: internal error, the process ends: ${thrown instanceof Error ? thrown.stack : messageOf(thrown)}\n`,
  );
  process.exit(70);
});

front.start();
