import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { defaultTimeouts, logLevels, translations } from '../core/config.ts'
import { providerSettings } from './provider-settings.ts'
import { dayMs, timeoutSettings } from './timeouts.ts'
import { integer, loopbackHost, oneOf, textList } from './values.ts'

/** One thing that may be set. `from` says what is wrong with a value by throwing; the message follows the setting's name. */
export interface Setting<T> {
  readonly help: string
  readonly from: (value: unknown) => T
  readonly fallback: (circumstances: Circumstances) => T
  /** As commander writes it: `--port <number>`. */
  readonly flag?: string
  /** The environment variables that set it, the strongest first. */
  readonly env?: readonly string[]
  /**
   * Variables that were not set for us, the strongest first. The file is stronger than these: a shell often has some
   * OPENAI_API_KEY, and a key that was written down is meant.
   */
  readonly ambientEnv?: readonly string[]
  /** Never shown. */
  readonly secret?: true
}

export interface Circumstances {
  /** Whether a person reads the output. */
  readonly terminal: boolean
}

export interface Environment {
  readonly [name: string]: string | undefined
}

const setting = <T>(row: Setting<T>): Setting<T> => row

/**
 * Every setting under its key in the configuration file. A flag is stronger than the environment, which is stronger than
 * the file, but for `ambientEnv`.
 */
export const settings = {
  'server.host': setting({
    help: 'the address to listen on',
    from: loopbackHost,
    fallback: () => '127.0.0.1',
    flag: '--host <address>',
    env: ['TRUNKLINE_HOST'],
  }),
  'server.port': setting({
    help: 'the port of the gateway; 0 picks one',
    from: integer(0, 65_535),
    fallback: () => 9090,
    flag: '--port <number>',
    env: ['TRUNKLINE_PORT'],
  }),
  'server.ui_port': setting({
    help: 'the port of the web page and its API; 0 picks one',
    from: integer(0, 65_535),
    fallback: () => 9091,
    flag: '--ui-port <number>',
    env: ['TRUNKLINE_UI_PORT'],
  }),
  'server.allowed_hosts': setting({
    help: 'names, besides those of this machine, by which clients may call it',
    from: textList,
    fallback: () => [] as readonly string[],
  }),
  'server.drain_ms': setting({
    help: 'how long running calls may take to end when Trunkline is told to stop',
    from: integer(0, dayMs),
    fallback: () => 30_000,
    env: ['TRUNKLINE_DRAIN_MS'],
  }),
  'log.level': setting({
    help: `how much is logged: ${logLevels.join(', ')}`,
    from: oneOf(logLevels),
    fallback: () => 'info' as const,
    flag: '--log-level <level>',
    env: ['TRUNKLINE_LOG_LEVEL'],
  }),
  'log.format': setting({
    help: 'how it is logged: json or pretty; pretty on a terminal',
    from: oneOf(['json', 'pretty'] as const),
    fallback: ({ terminal }) => (terminal ? ('pretty' as const) : ('json' as const)),
    flag: '--log-format <format>',
    env: ['TRUNKLINE_LOG_FORMAT'],
  }),
  'limits.header_bytes': setting({
    help: "how large a request's headers may be together",
    from: integer(1024, 1 << 20),
    fallback: () => 32 * 1024,
  }),
  'limits.body_bytes': setting({
    help: "how large a request's body may be",
    from: integer(1024, 1 << 30),
    fallback: () => 64 * 1024 * 1024,
  }),
  'limits.json_depth': setting({
    help: 'how deep a body may nest arrays and objects',
    from: integer(8, 10_000),
    fallback: () => 200,
  }),
  'limits.json_values': setting({
    help: 'how many values a body may have in its arrays and objects',
    from: integer(100, 100_000_000),
    fallback: () => 1_000_000,
  }),
  'limits.connections': setting({
    help: 'how many connections clients may have open together',
    from: integer(1, 1_000_000),
    fallback: () => 10_000,
  }),
  'limits.header_ms': setting({
    help: "how long a request's headers may take to arrive",
    from: integer(100, dayMs),
    fallback: () => 30_000,
  }),
  'limits.request_ms': setting({
    help: 'how long a whole request may take to arrive',
    from: integer(100, dayMs),
    fallback: () => 300_000,
  }),
  ...timeoutSettings('timeouts', defaultTimeouts),
  'cancel.mode': setting({
    help: 'what becomes of an answer whose client has left: abort ends it at once, drain reads it to its end for what it used',
    from: oneOf(['abort', 'drain'] as const),
    fallback: () => 'abort' as const,
  }),
  'cancel.drain_ms': setting({
    help: 'how long an answer that nobody waits for is read on',
    from: integer(1, dayMs),
    fallback: () => 60_000,
  }),
  'cancel.drain_bytes': setting({
    help: 'how much of an answer that nobody waits for is read on',
    from: integer(1, 1 << 30),
    fallback: () => 1024 * 1024,
  }),
  translation: setting({
    help: 'what becomes of what a provider cannot take: lenient leaves it out and names it, strict refuses the request',
    from: oneOf(translations),
    fallback: () => 'lenient' as const,
    env: ['TRUNKLINE_TRANSLATION'],
  }),
  'recording.flush_interval_ms': setting({
    help: 'how long records may wait before they are written',
    from: integer(1, 60_000),
    fallback: () => 100,
    env: ['TRUNKLINE_FLUSH_INTERVAL_MS'],
  }),
  'recording.flush_count': setting({
    help: 'how many spans may wait before they are written',
    from: integer(1, 1_000_000),
    fallback: () => 2_000,
    env: ['TRUNKLINE_FLUSH_COUNT'],
  }),
  'recording.flush_bytes': setting({
    help: 'how many bytes may wait before they are written',
    from: integer(1024, 1 << 28),
    fallback: () => 4 * 1024 * 1024,
    env: ['TRUNKLINE_FLUSH_BYTES'],
  }),
  'recording.in_flight_bytes': setting({
    help: 'how many bytes may be on their way to the disk before bodies, then spans, are left out',
    from: integer(1 << 20, 1 << 30),
    fallback: () => 64 * 1024 * 1024,
    env: ['TRUNKLINE_IN_FLIGHT_BYTES'],
  }),
  'recording.body_bytes': setting({
    help: 'how much of one body is kept',
    from: integer(0, 64 * 1024 * 1024),
    fallback: () => 4 * 1024 * 1024,
    env: ['TRUNKLINE_BODY_BYTES'],
  }),
  'responses.retention_days': setting({
    help: 'how many days answers are kept for whoever goes on by their id, where the provider keeps none itself',
    from: integer(0, 3_650),
    fallback: () => 30,
  }),
  'responses.max_bytes': setting({
    help: 'how much of them is kept, compressed; the oldest go first',
    from: integer(0, 2 ** 40),
    fallback: () => 256 * 1024 * 1024,
  }),
  ...providerSettings,
} satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof settings
export type SettingValue<K extends SettingKey> = ReturnType<NonNullable<(typeof settings)[K]>['from']>

/** Where the data folder is: not in the file, since the file is looked for in it. */
export const dataDirOf = (flag: string | undefined, environment: Environment): string =>
  pathOf(flag || environment.TRUNKLINE_DATA_DIR || '~/.trunkline')

/** `~` is the home folder here too: a shell leaves it as it is in `--data-dir=~/x`, and there is none in a unit file. */
export const pathOf = (written: string): string => resolve(written.replace(/^~(?=$|[/\\])/, homedir))
