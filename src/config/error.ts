/** A setting that cannot be used, in words for whoever wrote it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
