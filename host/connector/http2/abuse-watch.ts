import type { Http2Settings } from '../../config/http2-settings.js';
import type { RefusalReason } from '../refusal.js';

/**
 * Counts what a client makes one connection do without asking for anything, in windows of 30 s. Each method gives the
 * limit that was passed, or undefined.
 *
 * PING and SETTINGS frames and resets are told by the protocol library. WINDOW_UPDATE, PRIORITY, empty DATA, padding and
 * unknown frames are not: they are the bytes received that are neither request head nor body, so a flood of any of them
 * passes `maxControlBytes`. A client that takes or sends much may send more of them.
 */
export class AbuseWatch {
  /** A limit was passed; the connection is on its end. */
  isExhausted = false;

  private readonly settings: Http2Settings;
  private windowEnd: number;
  private resets = 0;
  private pings = 0;
  private settingsFrames = 0;
  /** Bytes that need no explanation. */
  private explained = 0;
  /** Bytes without explanation when the window began. */
  private controlBase = 0;

  constructor(settings: Http2Settings, now: number) {
    this.settings = settings;
    this.windowEnd = now + WINDOW_MS;
  }

  /** A stream ended before its time (RFC 9113 §10.5; CVE-2023-44487, CVE-2025-8671). */
  reset(): RefusalReason | undefined {
    return ++this.resets > this.settings.maxResetStreams ? this.passed('http2-reset-flood') : undefined;
  }

  ping(): RefusalReason | undefined {
    return ++this.pings > this.settings.maxPings ? this.passed('http2-ping-flood') : undefined;
  }

  settingsFrame(): RefusalReason | undefined {
    return ++this.settingsFrames > this.settings.maxSettingsFrames
      ? this.passed('http2-settings-flood')
      : undefined;
  }

  /** A header section was received. */
  headers(raw: readonly string[]): void {
    // At most four bytes of framing and coding a field, and a frame header; compression makes it less.
    for (let i = 0; i < raw.length; i++) this.explained += (raw[i] as string).length + 4;
    this.explained += FRAME_BYTES;
  }

  /** A part of a body was received. */
  received(bytes: number): void {
    this.explained += bytes + FRAME_BYTES;
  }

  /** A part of a body was sent; WINDOW_UPDATE frames answer it, one or two for each frame. */
  sent(bytes: number): void {
    this.explained += FRAME_BYTES + Math.ceil(bytes / 64);
  }

  /** `bytesRead`: all that the socket has received so far; `unread`: bytes of bodies that nobody has taken yet. */
  sweep(now: number, bytesRead: number, unread: number): RefusalReason | undefined {
    const control = bytesRead - this.explained - unread;
    this.controlBase = Math.min(this.controlBase, control);
    if (control - this.controlBase > this.settings.maxControlBytes) return this.passed('http2-control-flood');
    if (now >= this.windowEnd) {
      this.windowEnd = now + WINDOW_MS;
      this.resets = this.pings = this.settingsFrames = 0;
      this.controlBase = control;
    }
    return undefined;
  }

  private passed(reason: RefusalReason): RefusalReason {
    this.isExhausted = true;
    return reason;
  }
}

const WINDOW_MS = 30_000;
/** Header of a frame with room for a little padding. */
const FRAME_BYTES = 64;
