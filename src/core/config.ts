/** The configuration in force: one checked value. `config/settings.ts` says where each of its keys may come from. */
export interface Config {
  readonly server: {
    readonly host: string
    readonly port: number
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
  }
  readonly recording: RecordingConfig
  readonly providers: Readonly<Record<string, ProviderConfig>>
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

/** What the operator says of a provider. Without a key the call goes out without one. */
export interface ProviderConfig {
  readonly baseUrl?: string
  readonly apiKey?: string
  /** Names that the catalogue shows for it, and that are never split at a slash. */
  readonly models?: readonly string[]
  /** Whether streams are asked for their usage; some hosts refuse the question. */
  readonly streamUsage?: boolean
}
