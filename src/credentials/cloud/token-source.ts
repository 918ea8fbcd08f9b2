import type { Credential, Token } from '../../core/credential.ts'

/** A token that can be used. */
export type LiveToken = Exclude<Token, { readonly kind: 'failed' }>

/** Where the tokens of one credential come from. */
export interface TokenSource {
  /**
   * A new token each time. When it ends is said by our own clock, whatever the clock of whoever gave it says. Throws a
   * `TokenFailure` when there is none to be had.
   */
  fetch(): Promise<LiveToken>
}

export interface SourceContext {
  /** What the vendors' libraries are told of the environment; some of it they read themselves. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The provider's settings, such as `region`. */
  readonly address: Readonly<Record<string, string | undefined>>
  readonly nowMs: () => number
  /** Another address for one of a vendor's, for a test that has no internet. */
  readonly detour?: (url: string) => string
}

export type SourceOf = (credential: Credential, context: SourceContext) => TokenSource

/** Why there is no token, in words for the person who can act, and without a secret. */
export class TokenFailure extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.name = 'TokenFailure'
  }
}

/** How long one step of a vendor's library may take. */
export const stepMs = 10_000

const guessedLifeMs = 15 * 60_000
/** No vendor gives anything for longer. */
const longestLifeMs = 36 * 3_600_000

/**
 * When a token ends by our clock, where the vendor says it by its own. `serverMs` is what that clock said with the answer.
 * Where nobody knows it, an end that has passed already, or that is days away, says that the two clocks differ; then the
 * token is taken for one of the shortest that are given.
 */
export function endOf(expiryMs: number, serverMs: number | undefined, nowMs: number): number {
  const lifeMs = expiryMs - (serverMs ?? nowMs)
  if (lifeMs > 0 && lifeMs <= longestLifeMs) return nowMs + lifeMs
  if (serverMs !== undefined && lifeMs <= 0)
    throw new TokenFailure('What came was no longer valid by the clock of whoever sent it.')
  return nowMs + guessedLifeMs
}
