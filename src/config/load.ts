import type { Config, ProviderConfig, Timeouts } from '../core/config.ts'
import { type ProviderName, providers } from '../providers/index.ts'
import { ConfigError } from './error.ts'
import { configPath, type FileValue, readConfigFile } from './file.ts'
import type { ProviderField, ProviderValues } from './provider-settings.ts'
import { dataDirOf, type Environment, type Setting, type SettingKey, type SettingValue, settings } from './settings.ts'
import { type TimeoutKey, timeoutKeys } from './timeouts.ts'

/** What a command was given: the flags by the key of their setting, and the two that come before any setting. */
export interface Flags {
  readonly dataDir?: string
  readonly config?: string
  readonly settings: Partial<Record<SettingKey, string>>
  /** Whether a person reads the output. */
  readonly terminal: boolean
}

/** Flags, environment and file to one checked value. Whatever cannot be used is an error that names it and its place. */
export function loadConfig(flags: Flags, environment: Environment): Config {
  const dataDir = dataDirOf(flags.dataDir, environment)
  const path = configPath(flags.config || environment.TRUNKLINE_CONFIG, dataDir)
  const file = path === undefined ? new Map<SettingKey, FileValue>() : readConfigFile(path)

  const said = (key: SettingKey): Said => {
    const row: Setting<unknown> | undefined = rows[key]
    const source = row && sourceOf(key, row, flags, environment, file)
    if (!source) return { value: row?.fallback(flags), isAmbient: false }
    try {
      return { value: row.from(source.value), isAmbient: source.isAmbient === true }
    } catch (thrown) {
      if (thrown instanceof ConfigError) throw new ConfigError(`${source.place}: ${key} ${thrown.message}.`)
      throw thrown
    }
  }
  const value = <K extends SettingKey>(key: K): SettingValue<K> => said(key).value as SettingValue<K>

  const timeouts = (prefix: 'timeouts' | `providers.${ProviderName}.timeouts`): Partial<Timeouts> => {
    const clocks = Object.entries(timeoutKeys).map(
      ([key, { clock }]) => [clock, value(`${prefix}.${key as TimeoutKey}`)] as const,
    )
    return Object.fromEntries(clocks.filter(([, ms]) => ms !== undefined))
  }

  const providerConfig = (name: ProviderName): ProviderConfig => {
    const field = <F extends ProviderField>(key: F): ProviderValues[F] | undefined =>
      said(`providers.${name}.${key}`).value as ProviderValues[F] | undefined
    const key = said(`providers.${name}.api_key`)
    return {
      ...present({
        baseUrl: field('base_url'),
        apiKey: key.value as string | undefined,
        keyIsAmbient: key.isAmbient || undefined,
        dialects: field('dialects'),
        headers: field('headers'),
        models: field('models'),
        streamUsage: field('stream_usage'),
      }),
      address: present({
        resource: field('resource'),
        api_version: field('api_version'),
        region: field('region'),
      }),
      timeouts: timeouts(`providers.${name}.timeouts`),
    }
  }

  return {
    server: {
      host: value('server.host'),
      port: value('server.port'),
      uiPort: value('server.ui_port'),
      allowedHosts: value('server.allowed_hosts') ?? [],
      drainMs: value('server.drain_ms'),
    },
    dataDir,
    log: { level: value('log.level'), format: value('log.format') },
    limits: {
      headerBytes: value('limits.header_bytes'),
      bodyBytes: value('limits.body_bytes'),
      jsonDepth: value('limits.json_depth'),
      jsonValues: value('limits.json_values'),
      connections: value('limits.connections'),
      headerMs: value('limits.header_ms'),
      requestMs: value('limits.request_ms'),
    },
    timeouts: timeouts('timeouts') as Timeouts,
    cancel: {
      mode: value('cancel.mode'),
      drainMs: value('cancel.drain_ms'),
      drainBytes: value('cancel.drain_bytes'),
    },
    translation: value('translation'),
    recording: {
      flushIntervalMs: value('recording.flush_interval_ms'),
      flushCount: value('recording.flush_count'),
      flushBytes: value('recording.flush_bytes'),
      inFlightBytes: value('recording.in_flight_bytes'),
      bodyBytes: value('recording.body_bytes'),
    },
    responses: { retentionDays: value('responses.retention_days'), maxBytes: value('responses.max_bytes') },
    providers: Object.fromEntries(names.map((name) => [name, providerConfig(name)])),
    models: {},
  }
}

const names = Object.keys(providers) as ProviderName[]
const rows: Readonly<Partial<Record<SettingKey, Setting<unknown>>>> = settings

interface Said {
  readonly value: unknown
  /** True for what was found in a variable that was not set for us. */
  readonly isAmbient: boolean
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

const present = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Present<T>

interface Source extends FileValue {
  readonly isAmbient?: true
}

function sourceOf(
  key: SettingKey,
  { flag, env = [], ambientEnv = [] }: Setting<unknown>,
  flags: Flags,
  environment: Environment,
  file: ReadonlyMap<SettingKey, FileValue>,
): Source | undefined {
  const given = flags.settings[key]
  if (given !== undefined) return { value: given, place: flag?.split(' ', 1)[0] ?? key }
  const ambient = inEnvironment(ambientEnv, environment)
  return inEnvironment(env, environment) ?? file.get(key) ?? (ambient && { ...ambient, isAmbient: true })
}

function inEnvironment(names: readonly string[], environment: Environment): FileValue | undefined {
  // An empty variable is how a shell takes one back.
  const name = names.find((candidate) => environment[candidate])
  return name === undefined ? undefined : { value: environment[name], place: name }
}
