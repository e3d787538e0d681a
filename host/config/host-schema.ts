import { z } from 'zod';
import { settingsSchema } from './application-settings.js';
import { connectorAddressShape } from './connector-address.js';
import { forwardingShape } from './connector-forwarding.js';
import { DEFAULT_CONNECTOR_LIMITS as LIMITS } from './connector-limits.js';
import { http2Schema } from './http2-schema.js';
import { maintenanceSchema } from './maintenance-settings.js';
import { redirectSchema } from './redirect-schema.js';
import {
  countOrAuto,
  duration,
  flag,
  hostAlias,
  hostName,
  integer,
  leaf,
  listenHost,
  port,
  section,
  show,
  size,
  text,
  word,
} from './setting-types.js';
import { tlsSchema } from './tls-schema.js';
import type { UnknownHostPolicy } from './virtual-hosts.js';

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** A request head travels to its application in one frame, which holds 64 KiB and 1,024 fields. */
const limitsSchema = section({
  maxHeaderSize: size({ min: 1 * KIB, max: 60 * KIB }).default(LIMITS.maxHeaderBytes),
  maxHeaderCount: integer(1, 1000).default(LIMITS.maxHeaderCount),
  maxTargetSize: size({ min: 256, max: 60 * KIB }).default(LIMITS.maxTargetBytes),
  headerTimeout: duration({ min: 100 }).default(LIMITS.headerTimeoutMs),
  bodyIdleTimeout: duration({ min: 100 }).default(LIMITS.bodyIdleTimeoutMs),
  minBodyRate: size().default(LIMITS.minBodyBytesPerSecond),
  minReadRate: size().default(LIMITS.minReadBytesPerSecond),
  keepAliveTimeout: duration({ min: 100 }).default(LIMITS.keepAliveTimeoutMs),
  maxRequestsPerConnection: integer(0, Number.MAX_SAFE_INTEGER).default(LIMITS.maxRequestsPerConnection),
  maxConnections: integer(1, 1_000_000).default(LIMITS.maxConnections),
});

const connectorSchema = section({
  name: text(64).optional(),
  ...connectorAddressShape,
  limits: limitsSchema.prefault({}),
  redirect: redirectSchema.optional(),
  tls: tlsSchema.optional(),
  http2: http2Schema.prefault({}),
  ...forwardingShape,
});

const virtualHostSchema = section({
  name: hostName(),
  aliases: z.preprocess((value) => value ?? undefined, z.array(hostAlias()).max(1000).default([])),
  maintenance: maintenanceSchema,
});

/** `default`, `404`, `421` or `close`; the numbers with or without quotes. */
const unknownHostSchema = leaf<UnknownHostPolicy>((value, fail) => {
  const policy = UNKNOWN_HOST_POLICIES.find((known) => String(known) === String(value));
  return policy ?? fail(`${show(value)} is not one of ${UNKNOWN_HOST_POLICIES.join(', ')}`);
});

const UNKNOWN_HOST_POLICIES: readonly UnknownHostPolicy[] = ['default', 404, 421, 'close'];

/** A number, for any application of Node, or a section. */
const sparesSchema = z.preprocess(
  (value) => (typeof value === 'object' ? value : { server: value }),
  section({ server: integer(0, 64).default(0), framework: integer(0, 64).default(0) }),
);

/**
 * Every key of `host.yaml` with kind, bounds and default. Names are those of HostConfig without the unit; durations
 * and sizes are written with one. Defaults that depend on the base folder are filled in by `readHostConfig`.
 */
export const hostSchema = section({
  folders: section({
    apps: text().optional(),
    logs: text().optional(),
    work: text().optional(),
    run: text().optional(),
  }).prefault({}),
  connectors: z.preprocess(
    (value) => value ?? undefined,
    z.array(connectorSchema).max(64, 'at most 64 connectors').optional(),
  ),
  fronts: countOrAuto(64).default(1),
  hosts: z.preprocess(
    (value) => value ?? undefined,
    z.array(virtualHostSchema).max(10_000, 'at most 10000 hosts').optional(),
  ),
  defaultHost: hostName().optional(),
  maintenance: maintenanceSchema,
  unknownHost: unknownHostSchema.default('default'),
  admin: section({ host: listenHost().default('127.0.0.1'), port: port().default(9090) }).prefault({}),
  deployer: section({
    scanInterval: duration({ min: 100 }).default(2000),
    stabilityWindow: duration().default(1000),
    maxParallelStarts: integer(1, 256).default(4),
  }).prefault({}),
  supervisor: section({
    maxInstances: integer(1, 100_000).default(128),
    spares: sparesSchema.prefault({}),
  }).prefault({}),
  archives: section({
    maxTotalSize: size({ min: 1 }).default(1 * GIB),
    maxFileSize: size({ min: 1 }).default(256 * MIB),
    maxEntries: integer(1, 10_000_000).default(50_000),
    maxRatio: integer(1, 1_000_000).default(100),
    maxDepth: integer(1, 1000).default(64),
  }).prefault({}),
  applications: settingsSchema.prefault({}),
  accessLog: section({
    enabled: flag().default(true),
    format: word(['combined', 'json']).default('combined'),
    maxFileSize: size({ min: 1 * KIB }).default(50 * MIB),
    keptFiles: integer(1, 10_000).default(10),
  }).prefault({}),
  output: section({
    maxFileSize: size({ min: 1 * KIB }).default(10 * MIB),
    keptFiles: integer(1, 10_000).default(5),
  }).prefault({}),
  shutdownTimeout: duration().default(30_000),
});

/** `host.yaml` after the schema: defaults filled in, durations in milliseconds, sizes in bytes. */
export type HostSection = z.output<typeof hostSchema>;
