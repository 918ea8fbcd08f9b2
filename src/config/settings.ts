import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { defaultTimeouts, logLevels, type Timeouts } from '../core/config.ts'
import { ConfigError } from './error.ts'

/** One thing that may be set. `from` says what is wrong with a value by throwing; the message follows the setting's name. */
export interface Setting<T> {
  readonly help: string
  readonly from: (value: unknown) => T
  readonly fallback: (circumstances: Circumstances) => T
  /** As commander writes it: `--port <number>`. */
  readonly flag?: string
  /** The environment variables that set it, the strongest first. */
  readonly env?: readonly string[]
  /** Where the file is stronger than the environment: a credential that was written down is meant. */
  readonly fileFirst?: true
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

const dayMs = 86_400_000

/** The keys of the five clocks. */
export const timeoutKeys = {
  connect_ms: { clock: 'connectMs', help: 'how long it may take until there is a connection to the provider' },
  headers_ms: { clock: 'headersMs', help: 'how long the provider may take from then until its answer begins' },
  first_content_ms: { clock: 'firstContentMs', help: 'how long it may take from then until there is any content' },
  idle_ms: { clock: 'idleMs', help: 'how long the provider may be silent within its answer' },
  total_ms: { clock: 'totalMs', help: 'how long an attempt may take in all' },
} as const satisfies Record<string, { readonly clock: keyof Timeouts; readonly help: string }>

const nobodySays: Readonly<Record<keyof Timeouts, undefined>> = {
  connectMs: undefined,
  headersMs: undefined,
  firstContentMs: undefined,
  idleMs: undefined,
  totalMs: undefined,
}

const setting = <T>(row: Setting<T>): Setting<T> => row

/**
 * Every setting under its key in the configuration file. A flag is stronger than the environment, which is stronger than
 * the file, but for `fileFirst`.
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
  'providers.openai.base_url': setting<string | undefined>({
    help: 'the address of OpenAI, or of any host that speaks its dialect',
    from: httpUrl,
    fallback: () => undefined,
    flag: '--openai-base-url <url>',
    // Never OPENAI_BASE_URL: programs on this machine have it point at us.
    env: ['TRUNKLINE_OPENAI_BASE_URL'],
  }),
  'providers.openai.api_key': setting<string | undefined>({
    help: 'the key for it; not needed where the host wants none',
    from: secretText,
    fallback: () => undefined,
    env: ['OPENAI_API_KEY', 'VLLORA_OPENAI_API_KEY'],
    fileFirst: true,
    secret: true,
  }),
  'providers.openai.models': setting<readonly string[]>({
    help: 'names that /v1/models shows for it, and that are never split at a slash',
    from: textList,
    fallback: () => [],
  }),
  'providers.openai.stream_usage': setting<boolean | undefined>({
    help: 'whether streams are asked for their usage; false for a host that refuses the question',
    from: truth,
    fallback: () => undefined,
  }),
  ...timeoutSettings('providers.openai.timeouts', nobodySays),
  ...timeoutSettings('providers.mock.timeouts', nobodySays),
} satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof settings
export type SettingValue<K extends SettingKey> = ReturnType<(typeof settings)[K]['from']>

/** Where the data folder is: not in the file, since the file is looked for in it. */
export const dataDirOf = (flag: string | undefined, environment: Environment): string =>
  pathOf(flag || environment.TRUNKLINE_DATA_DIR || '~/.trunkline')

/** `~` is the home folder here too: a shell leaves it as it is in `--data-dir=~/x`, and there is none in a unit file. */
export const pathOf = (written: string): string => resolve(written.replace(/^~(?=$|[/\\])/, homedir))

/** One setting for each clock of an attempt. What is said of a provider stands before what is said of all. */
function timeoutSettings<P extends string, T extends number | undefined>(
  prefix: P,
  fallbacks: Readonly<Record<keyof Timeouts, T>>,
): { readonly [K in `${P}.${keyof typeof timeoutKeys}`]: Setting<number | T> } {
  const rows = Object.entries(timeoutKeys).map(([key, { clock, help }]) => [
    `${prefix}.${key}`,
    setting<number | T>({ help, from: integer(1, dayMs), fallback: () => fallbacks[clock] }),
  ])
  return Object.fromEntries(rows)
}

function integer(least: number, most: number): (value: unknown) => number {
  return (value) => {
    const number =
      typeof value === 'number' ? value : typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (Number.isSafeInteger(number) && number >= least && number <= most) return number
    throw new ConfigError(`must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}`)
  }
}

function oneOf<const T extends string>(names: readonly T[]): (value: unknown) => T {
  return (value) => {
    const name = names.find((candidate) => candidate === value)
    if (name !== undefined) return name
    throw new ConfigError(`must be ${names.join(', ')}, not ${JSON.stringify(value)}`)
  }
}

function loopbackHost(value: unknown): string {
  if (value === 'localhost' || value === '::1' || /^127(\.\d{1,3}){3}$/.test(String(value))) return String(value)
  throw new ConfigError(
    `must be a loopback address such as 127.0.0.1, not ${JSON.stringify(value)}: ` +
      'without client keys, which Trunkline does not have yet, anybody who reaches the port could spend your keys',
  )
}

function httpUrl(value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url && /^https?:$/.test(url.protocol)) {
    if (url.username === '' && url.password === '') return value as string
    throw new ConfigError('must not have a user or password in it: give the key as api_key')
  }
  throw new ConfigError(`must be an http or https URL, not ${JSON.stringify(value)}`)
}

function secretText(value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw new ConfigError('must be a text that is not empty')
  if (!/^[\x21-\x7e]+$/.test(value.trim())) throw new ConfigError('has a character that a key cannot have')
  return value.trim()
}

function textList(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return value as string[]
  throw new ConfigError('must be a list of names')
}

function truth(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new ConfigError(`must be true or false, not ${JSON.stringify(value)}`)
}
