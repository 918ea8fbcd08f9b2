import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { defaultTimeouts, logLevels, translations } from '../core/config.ts'
import { hostNames, listenAddress } from './hosts.ts'
import { providerSettings } from './provider-settings.ts'
import type { Environment, Row, Setting } from './setting.ts'
import { dayMs, timeoutSettings } from './timeouts.ts'
import { integer, oneOf } from './values.ts'

const setting = <T>(row: Setting<T>): Setting<T> => row

/** Adds to those that have no variable the one that follows from their key: TRUNKLINE_LIMITS_BODY_BYTES. */
const withVariables = <T extends Readonly<Record<string, Setting<unknown>>>>(rows: T): T =>
  Object.fromEntries(
    Object.entries(rows).map(([key, row]) => [
      key,
      row.env ? row : { ...row, env: [`TRUNKLINE_${key.toUpperCase().replaceAll('.', '_')}`] },
    ]),
  ) as T

/** What is set of Trunkline itself. */
const ownSettings = {
  'server.host': setting({
    help: 'the address to listen on',
    kind: listenAddress,
    fallback: () => '127.0.0.1',
    flag: '--host <address>',
    env: ['TRUNKLINE_HOST'],
    effect: 'restart',
  }),
  'server.port': setting({
    help: 'the port of the gateway; 0 picks one',
    kind: integer(0, 65_535),
    fallback: () => 9090,
    flag: '--port <number>',
    env: ['TRUNKLINE_PORT'],
    effect: 'restart',
  }),
  'server.ui_port': setting({
    help: 'the port of the web page and its API; 0 picks one',
    kind: integer(0, 65_535),
    fallback: () => 9091,
    flag: '--ui-port <number>',
    env: ['TRUNKLINE_UI_PORT'],
    effect: 'restart',
  }),
  'server.allowed_hosts': setting({
    help: 'names, besides those of this machine, by which clients may call it',
    kind: hostNames,
    fallback: () => [] as readonly string[],
    effect: 'restart',
  }),
  'server.drain_ms': setting({
    help: 'how long running calls may take to end when Trunkline is told to stop',
    kind: integer(0, dayMs),
    fallback: () => 30_000,
    env: ['TRUNKLINE_DRAIN_MS'],
    effect: 'restart',
  }),
  'log.level': setting({
    help: `how much is logged: ${logLevels.join(', ')}`,
    kind: oneOf(logLevels),
    fallback: () => 'info' as const,
    flag: '--log-level <level>',
    env: ['TRUNKLINE_LOG_LEVEL'],
    editable: true,
  }),
  'log.format': setting({
    help: 'how it is logged: json or pretty; pretty on a terminal',
    kind: oneOf(['json', 'pretty'] as const),
    fallback: ({ terminal }) => (terminal ? ('pretty' as const) : ('json' as const)),
    flag: '--log-format <format>',
    env: ['TRUNKLINE_LOG_FORMAT'],
  }),
  'limits.header_bytes': setting({
    help: "how large a request's headers may be together",
    kind: integer(1024, 1 << 20),
    fallback: () => 32 * 1024,
    effect: 'restart',
  }),
  'limits.body_bytes': setting({
    help: "how large a request's body may be",
    kind: integer(1024, 1 << 30),
    fallback: () => 64 * 1024 * 1024,
  }),
  'limits.json_depth': setting({
    help: 'how deep a body may nest arrays and objects',
    kind: integer(8, 10_000),
    fallback: () => 200,
  }),
  'limits.json_values': setting({
    help: 'how many values a body may have in its arrays and objects',
    kind: integer(100, 100_000_000),
    fallback: () => 1_000_000,
  }),
  'limits.connections': setting({
    help: 'how many connections clients may have open together',
    kind: integer(1, 1_000_000),
    fallback: () => 10_000,
    effect: 'restart',
  }),
  'limits.header_ms': setting({
    help: "how long a request's headers may take to arrive",
    kind: integer(100, dayMs),
    fallback: () => 30_000,
    effect: 'restart',
  }),
  'limits.request_ms': setting({
    help: 'how long a whole request may take to arrive',
    kind: integer(100, dayMs),
    fallback: () => 300_000,
    effect: 'restart',
  }),
  ...timeoutSettings('timeouts', { fallbacks: defaultTimeouts, editable: true }),
  'cancel.mode': setting({
    help: 'what becomes of an answer whose client has left: abort ends it at once, drain reads it to its end for what it used',
    kind: oneOf(['abort', 'drain'] as const),
    fallback: () => 'abort' as const,
    editable: true,
  }),
  'cancel.drain_ms': setting({
    help: 'how long an answer that nobody waits for is read on',
    kind: integer(1, dayMs),
    fallback: () => 60_000,
    editable: true,
  }),
  'cancel.drain_bytes': setting({
    help: 'how much of an answer that nobody waits for is read on',
    kind: integer(1, 1 << 30),
    fallback: () => 1024 * 1024,
    editable: true,
  }),
  translation: setting({
    help: 'what becomes of what a provider cannot take: lenient leaves it out and names it, strict refuses the request',
    kind: oneOf(translations),
    fallback: () => 'lenient' as const,
    env: ['TRUNKLINE_TRANSLATION'],
    editable: true,
  }),
  'recording.flush_interval_ms': setting({
    help: 'how long records may wait before they are written',
    kind: integer(1, 60_000),
    fallback: () => 100,
    env: ['TRUNKLINE_FLUSH_INTERVAL_MS'],
  }),
  'recording.flush_count': setting({
    help: 'how many spans may wait before they are written',
    kind: integer(1, 1_000_000),
    fallback: () => 2_000,
    env: ['TRUNKLINE_FLUSH_COUNT'],
  }),
  'recording.flush_bytes': setting({
    help: 'how many bytes may wait before they are written',
    kind: integer(1024, 1 << 28),
    fallback: () => 4 * 1024 * 1024,
    env: ['TRUNKLINE_FLUSH_BYTES'],
  }),
  'recording.in_flight_bytes': setting({
    help: 'how many bytes may be on their way to the disk before bodies, then spans, are left out',
    kind: integer(1 << 20, 1 << 30),
    fallback: () => 64 * 1024 * 1024,
    env: ['TRUNKLINE_IN_FLIGHT_BYTES'],
    effect: 'restart',
  }),
  'recording.body_bytes': setting({
    help: 'how much of one body is kept',
    kind: integer(0, 64 * 1024 * 1024),
    fallback: () => 4 * 1024 * 1024,
    env: ['TRUNKLINE_BODY_BYTES'],
    editable: true,
  }),
  'responses.retention_days': setting({
    help: 'how many days answers are kept for whoever goes on by their id, where the provider keeps none itself',
    kind: integer(0, 3_650),
    fallback: () => 30,
    editable: true,
  }),
  'responses.max_bytes': setting({
    help: 'how much of them is kept, compressed; the oldest go first',
    kind: integer(0, 2 ** 40),
    fallback: () => 256 * 1024 * 1024,
    editable: true,
  }),
} satisfies Record<string, Setting<unknown>>

/**
 * Every setting under its key in the configuration file. A flag is stronger than the environment, which is stronger than
 * the file, but for `ambientEnv` and `fileFirst`; weakest is what is stored in the database.
 */
export const settings = { ...withVariables(ownSettings), ...providerSettings } satisfies Record<
  string,
  Setting<unknown>
>

/** The settings that everybody has, in the order of the table. */
export const rows: readonly Row[] = Object.entries(settings as Readonly<Record<string, Setting<unknown>>>).map(
  ([key, setting]) => ({ key, path: key.split('.'), setting }),
)

export type SettingKey = keyof typeof settings
export type SettingValue<K extends SettingKey> = ReturnType<NonNullable<(typeof settings)[K]>['kind']['take']>

/** Where the data folder is: not in the file, since the file is looked for in it. */
export const dataDirOf = (flag: string | undefined, environment: Environment): string =>
  pathOf(flag || environment.TRUNKLINE_DATA_DIR || '~/.trunkline')

/** `~` is the home folder here too: a shell leaves it as it is in `--data-dir=~/x`, and there is none in a unit file. */
export const pathOf = (written: string): string => resolve(written.replace(/^~(?=$|[/\\])/, homedir))
