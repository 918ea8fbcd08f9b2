import type { Config, Timeouts } from '../core/config.ts'
import { ConfigError } from './error.ts'
import { configPath, type FileValue, readConfigFile } from './file.ts'
import {
  dataDirOf,
  type Environment,
  type Setting,
  type SettingKey,
  type SettingValue,
  settings,
  timeoutKeys,
} from './settings.ts'

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

  const value = <K extends SettingKey>(key: K): SettingValue<K> => {
    const row = settings[key]
    const source = sourceOf(key, flags, environment, file)
    if (!source) return row.fallback(flags) as SettingValue<K>
    try {
      return row.from(source.value) as SettingValue<K>
    } catch (thrown) {
      if (thrown instanceof ConfigError) throw new ConfigError(`${source.place}: ${key} ${thrown.message}.`)
      throw thrown
    }
  }

  const timeouts = (prefix: 'timeouts' | `providers.${'openai' | 'mock'}.timeouts`): Partial<Timeouts> => {
    const said = Object.entries(timeoutKeys).map(
      ([key, { clock }]) => [clock, value(`${prefix}.${key as keyof typeof timeoutKeys}`)] as const,
    )
    return Object.fromEntries(said.filter(([, ms]) => ms !== undefined))
  }

  const openaiBaseUrl = value('providers.openai.base_url')
  const openaiKey = value('providers.openai.api_key')
  const streamUsage = value('providers.openai.stream_usage')
  return {
    server: { host: value('server.host'), port: value('server.port'), drainMs: value('server.drain_ms') },
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
    recording: {
      flushIntervalMs: value('recording.flush_interval_ms'),
      flushCount: value('recording.flush_count'),
      flushBytes: value('recording.flush_bytes'),
      inFlightBytes: value('recording.in_flight_bytes'),
      bodyBytes: value('recording.body_bytes'),
    },
    providers: {
      openai: {
        ...(openaiBaseUrl !== undefined && { baseUrl: openaiBaseUrl }),
        ...(openaiKey !== undefined && { apiKey: openaiKey }),
        models: value('providers.openai.models'),
        ...(streamUsage !== undefined && { streamUsage }),
        timeouts: timeouts('providers.openai.timeouts'),
      },
      mock: { timeouts: timeouts('providers.mock.timeouts') },
    },
  }
}

function sourceOf(
  key: SettingKey,
  flags: Flags,
  environment: Environment,
  file: ReadonlyMap<SettingKey, FileValue>,
): FileValue | undefined {
  const row: Pick<Setting<unknown>, 'flag' | 'env' | 'fileFirst'> = settings[key]
  const flag = flags.settings[key]
  if (flag !== undefined) return { value: flag, place: row.flag?.split(' ', 1)[0] ?? key }
  const written = file.get(key)
  if (row.fileFirst && written) return written
  for (const name of row.env ?? []) {
    const value = environment[name]
    // An empty variable is how a shell takes one back.
    if (value !== undefined && value !== '') return { value, place: name }
  }
  return written
}
