import type { Credential } from './credential.ts'
import type { CustomModel } from './project.ts'

/** The configuration in force: one checked value. `config/settings.ts` says where each of its keys may come from. */
export interface Config {
  readonly server: {
    readonly host: string
    readonly port: number
    readonly uiPort: number
    /** Names besides those of this machine by which clients may call it. */
    readonly allowedHosts: readonly string[]
    /** How long running calls may take to end once the process is told to stop. */
    readonly drainMs: number
  }
  readonly dataDir: string
  readonly log: {
    readonly level: LogLevel
    readonly format: 'json' | 'pretty'
  }
  readonly limits: {
    readonly headerBytes: number
    readonly bodyBytes: number
    readonly jsonDepth: number
    readonly jsonValues: number
    readonly connections: number
    /** How long the head of a request, and all of it, may take to arrive. */
    readonly headerMs: number
    readonly requestMs: number
  }
  readonly timeouts: Timeouts
  readonly cancel: CancelConfig
  readonly translation: Translation
  readonly recording: RecordingConfig
  readonly responses: ResponsesConfig
  readonly providers: Readonly<Record<string, ProviderConfig>>
  /** Models under names of one's own. */
  readonly models: Readonly<Record<string, CustomModel>>
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface RecordingConfig {
  /** How long records may wait in the writer, in milliseconds, and how many and how large they may become by then. */
  readonly flushIntervalMs: number
  readonly flushCount: number
  readonly flushBytes: number
  /** How many bytes may be on their way to the disk before bodies, and then spans, are no longer recorded. */
  readonly inFlightBytes: number
  /** How much of one body is kept. */
  readonly bodyBytes: number
}

/** How long answers are kept for whoever goes on by their id, and how much of them. */
export interface ResponsesConfig {
  readonly retentionDays: number
  readonly maxBytes: number
}

/** The five clocks of an attempt, in milliseconds. */
export interface Timeouts {
  /** From its beginning until there is a connection. */
  readonly connectMs: number
  /** From the connection until the answer's head, and until its first content. */
  readonly headersMs: number
  readonly firstContentMs: number
  /** Between two pieces of the answer. */
  readonly idleMs: number
  /** From its beginning to its end. */
  readonly totalMs: number
}

/** The clocks by their names in the configuration and in the API. */
export const timeoutNames = {
  connect_ms: 'connectMs',
  headers_ms: 'headersMs',
  first_content_ms: 'firstContentMs',
  idle_ms: 'idleMs',
  total_ms: 'totalMs',
} as const satisfies Record<string, keyof Timeouts>

export type TimeoutName = keyof typeof timeoutNames

export const defaultTimeouts: Timeouts = {
  connectMs: 10_000,
  headersMs: 600_000,
  firstContentMs: 600_000,
  idleMs: 120_000,
  totalMs: 600_000,
}

/** Whether what a provider cannot take is left out and named, or refused. */
export const translations = ['lenient', 'strict'] as const
export type Translation = (typeof translations)[number]

/** What becomes of an answer whose client has left. */
export interface CancelConfig {
  readonly mode: 'abort' | 'drain'
  /** How long, and how much of it, is read on. */
  readonly drainMs: number
  readonly drainBytes: number
}

/** What the operator says of a provider. Without a key the call goes out without one. */
export interface ProviderConfig {
  /** Of which provider in our table it is another instance; only where its name is not itself one of the table's. */
  readonly like?: string
  readonly baseUrl?: string
  readonly apiKey?: string
  /** True when the key was found in the vendor's usual variable, where it was not put for us. */
  readonly keyIsAmbient?: true
  /** Another credential than a key. */
  readonly credential?: Credential
  /** Whether its address may be one of a private network or of this machine: the operator has named it. */
  readonly mayBePrivate?: boolean
  /** What its address is made of where every user has another one: `region`, `resource`, … */
  readonly address?: Readonly<Record<string, string | undefined>>
  /** The dialects that the host speaks, the best first, where they are not the usual ones. */
  readonly dialects?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** Names that the catalogue shows for it, and that are never split at a slash. */
  readonly models?: readonly string[]
  /** Whether streams are asked for their usage; some hosts refuse the question. */
  readonly streamUsage?: boolean
  /** The clocks that differ from those of all providers. */
  readonly timeouts?: Partial<Timeouts>
}

/** A setting as it is shown to whoever may see the configuration. */
export interface SettingView {
  readonly key: string
  /** `(hidden)` for a secret. */
  readonly value: unknown
  readonly help: string
  readonly source: SettingOrigin
  /** The flag, the variable or the place in the file. */
  readonly place?: string
  readonly editable: boolean
  readonly effect: 'now' | 'restart'
}

/** Where values of settings come from, the strongest first but for what a setting says otherwise. */
export type SettingOrigin = 'flag' | 'environment' | 'file' | 'database' | 'default'
