import { type Config, type ProviderConfig, type Timeouts, timeoutNames } from '../core/config.ts'
import type { Credential } from '../core/credential.ts'
import type { CustomModel } from '../core/project.ts'
import type { CredentialKindName } from '../providers/credential-kinds.ts'
import { type ProviderName, providers } from '../providers/index.ts'
import type { Provider } from '../providers/provider.ts'
import { fieldsOf } from './credential-settings.ts'
import type { OwnNames } from './own-names.ts'
import type { ProviderField, ProviderValues } from './provider-settings.ts'
import type { InForce } from './resolve.ts'
import type { SettingKey, SettingValue } from './settings.ts'

type Settings = ReadonlyMap<string, InForce>

/** The one value of which all parts know, from the settings in force. */
export function configOf(settings: Settings, own: OwnNames, dataDir: string): Config {
  const value = <K extends SettingKey>(key: K): SettingValue<K> => settings.get(key)?.value as SettingValue<K>
  return {
    server: {
      host: value('server.host'),
      port: value('server.port'),
      uiPort: value('server.ui_port'),
      allowedHosts: value('server.allowed_hosts'),
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
    timeouts: timeoutsOf(settings, 'timeouts') as Timeouts,
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
    providers: {
      ...Object.fromEntries(
        Object.entries(providers).map(([name, provider]) => [name, providerConfig(settings, name, provider)]),
      ),
      ...Object.fromEntries(
        [...own.providers].map(([name, like]) => [
          name,
          { like, ...providerConfig(settings, name, providers[like as ProviderName]) },
        ]),
      ),
    },
    models: Object.fromEntries([...own.models.keys()].map((name) => [name, modelOf(settings, name)])),
  }
}

/** What the settings say of a provider. */
export function providerConfig(settings: Settings, name: string, provider: Provider): ProviderConfig {
  const prefix = `providers.${name}`
  const field = <F extends ProviderField>(key: F): ProviderValues[F] | undefined =>
    settings.get(`${prefix}.${key}`)?.value as ProviderValues[F] | undefined
  const credential = credentialOf(settings, name)
  // A credential stands in the file, which is stronger than a key in a variable.
  const key = credential === undefined ? settings.get(`${prefix}.api_key`) : undefined
  const isKey = credential?.kind === 'api_key'
  const address = Object.keys(provider.settings ?? {}).map(
    (part) => [part, settings.get(`${prefix}.${part}`)?.value as string | undefined] as const,
  )
  const baseUrl = field('base_url')
  return {
    ...present({
      baseUrl,
      // Whoever writes the file, the environment or the flags runs this machine.
      mayBePrivate: baseUrl === undefined ? undefined : true,
      apiKey: isKey ? credential.fields.api_key : (key?.value as string | undefined),
      keyIsAmbient: key?.isAmbient,
      credential: isKey ? undefined : credential,
      dialects: field('dialects'),
      headers: field('headers'),
      models: field('models'),
      streamUsage: field('stream_usage'),
    }),
    address: Object.fromEntries(address.filter(([, part]) => part !== undefined)),
    timeouts: timeoutsOf(settings, `${prefix}.timeouts`),
  }
}

function credentialOf(settings: Settings, name: string): Credential | undefined {
  const kind = settings.get(`providers.${name}.credential.kind`)?.value as CredentialKindName | undefined
  if (kind === undefined) return undefined
  const fields = Object.keys(fieldsOf(kind)).map(
    (field) => [field, settings.get(`providers.${name}.credential.${field}`)?.value as string | undefined] as const,
  )
  return { kind, fields: Object.fromEntries(fields.filter((one): one is [string, string] => one[1] !== undefined)) }
}

const modelOf = (settings: Settings, name: string): CustomModel => ({
  provider: settings.get(`models.${name}.provider`)?.value as string,
  model: settings.get(`models.${name}.model`)?.value as string,
})

function timeoutsOf(settings: Settings, prefix: string): Partial<Timeouts> {
  const clocks = Object.entries(timeoutNames).map(
    ([key, clock]) => [clock, settings.get(`${prefix}.${key}`)?.value] as const,
  )
  return Object.fromEntries(clocks.filter(([, ms]) => ms !== undefined))
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

const present = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Present<T>
