/** A part of a JSON Schema, 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a setting may be. */
export interface Kind<T> {
  /** Takes what was written, or says by a `Refusal` what is wrong with it. */
  readonly take: (value: unknown) => T
  readonly schema: JsonSchema
  /** True for a list, which flags and variables have as words with commas between them. */
  readonly isList?: true
  /** The value as it may be shown, where not all of it may. */
  shown?(value: T): unknown
}

/** One thing that may be set. */
export interface Setting<T> {
  readonly help: string
  readonly kind: Kind<T>
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
  /** True when the file is stronger than our own variables, too. */
  readonly fileFirst?: true
  /** Never shown. */
  readonly secret?: true
  /** True for what may be changed by the API and its page, and is then kept in the database. */
  readonly editable?: true
  /** `restart` for what is fixed when the server begins to listen; everything else follows the file as it changes. */
  readonly effect?: 'restart'
}

export interface Circumstances {
  /** Whether a person reads the output. */
  readonly terminal: boolean
}

export interface Environment {
  readonly [name: string]: string | undefined
}

/** A setting under its whole key, and the way to it through the maps of the file: a name may have dots of its own. */
export interface Row {
  readonly key: string
  readonly path: readonly string[]
  readonly setting: Setting<unknown>
}

export const unsaid = (): undefined => undefined
