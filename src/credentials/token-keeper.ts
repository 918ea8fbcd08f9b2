import type { Credential, Token, Tokens } from '../core/credential.ts'
import { sourceOf } from './cloud/sources.ts'
import type { SourceOf } from './cloud/token-source.ts'
import { type KeeperClock, KeptToken } from './kept-token.ts'

/** A credential whose tokens are to be kept. */
export interface Wanted {
  readonly id: string
  readonly credential: Credential
  readonly provider: string
  /** The provider's settings, such as `region`. */
  readonly address?: Readonly<Record<string, string | undefined>>
}

export interface TokenKeeperDeps {
  /** Called with all of them whenever one is another than before. */
  readonly onTokens: (tokens: Tokens) => void
  readonly nowMs: () => number
  /** For the vendors' libraries. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Where tokens come from. */
  readonly sources?: SourceOf
  readonly clock?: Omit<KeeperClock, 'wallMs'>
  readonly random?: () => number
}

interface Kept {
  /** What it was made of: with anything else it is another one. */
  readonly from: string
  readonly kept: KeptToken
}

/** Keeps a token at hand for each credential of a cloud, so that no call has to wait for one. */
export class TokenKeeper {
  private readonly deps: TokenKeeperDeps
  private readonly all = new Map<string, Kept>()

  constructor(deps: TokenKeeperDeps) {
    this.deps = deps
  }

  /** From now on these and no others. Those that are as they were keep their tokens. */
  keep(wanted: readonly Wanted[]): void {
    const ids = new Map(wanted.map((one) => [one.id, one]))
    const hadTokens = [...this.all]
      .filter(([id, { from }]) => from !== madeOf(ids.get(id)))
      .map(([id]) => this.drop(id))
    for (const one of ids.values()) if (!this.all.has(one.id)) this.begin(one)
    if (hadTokens.includes(true)) this.tell()
  }

  /** One that is good now, or why there is none. */
  get(id: string): Promise<Token> {
    const unknown: Token = { kind: 'failed', reason: 'This credential is not known, or not any more.' }
    return this.all.get(id)?.kept.get() ?? Promise.resolve(unknown)
  }

  close(): void {
    for (const id of [...this.all.keys()]) this.drop(id)
  }

  private begin(one: Wanted): void {
    const { nowMs, environment = {}, sources = sourceOf, clock = ofThisMachine, random = Math.random } = this.deps
    const source = sources(one.credential, { environment, address: one.address ?? {}, nowMs })
    const kept = new KeptToken({ source, clock: { ...clock, wallMs: nowMs }, random, onChange: () => this.tell() })
    this.all.set(one.id, { from: madeOf(one), kept })
    void kept.renew()
  }

  /** Whether there was a token. */
  private drop(id: string): boolean {
    const kept = this.all.get(id)?.kept
    this.all.delete(id)
    kept?.drop()
    return kept?.token !== undefined
  }

  private tell(): void {
    const tokens = [...this.all].flatMap(
      ([
        id,
        {
          kept: { token },
        },
      ]) => (token ? [[id, token] as const] : []),
    )
    this.deps.onTokens(Object.fromEntries(tokens))
  }
}

const madeOf = (one: Wanted | undefined): string =>
  JSON.stringify(one && [one.provider, one.credential, one.address ?? {}]) ?? ''

const ofThisMachine: Omit<KeeperClock, 'wallMs'> = {
  steadyMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}
