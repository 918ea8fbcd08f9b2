/** Settings that cannot be used, in words for whoever wrote them: a sentence for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: string | readonly string[]) {
    const all = typeof problems === 'string' ? [problems] : problems
    super(all.join('\n'))
    this.problems = all
  }
}

/**
 * What is wrong with a value: the message follows the name of the setting. The value is repeated only by who knows that
 * it is no secret.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly value: unknown

  constructor(message: string, value?: unknown) {
    super(message)
    this.value = value
  }
}
