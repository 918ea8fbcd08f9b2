import type { Token, Tokens } from '../core/credential.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import type { Header } from '../providers/key-headers.ts'
import type { PaidTarget } from './credential.ts'

export interface TokenDeps {
  /** Asks for one that is not here, which may take until a deadline. */
  readonly ask: (id: string) => Promise<Token>
  readonly nowMs: () => number
}

/** What credentials of clouds have been changed into. Nearly always it is here before anybody needs it. */
export class TokenShelf {
  private readonly deps: TokenDeps
  private tokens: Tokens = {}
  private readonly asked = new Map<string, Promise<Token>>()

  constructor(deps: TokenDeps) {
    this.deps = deps
  }

  set(tokens: Tokens): void {
    this.tokens = tokens
  }

  /** A token that is good, or one that says why there is none; at once where it is here. */
  get(id: string): Token | Promise<Token> {
    const token = Object.hasOwn(this.tokens, id) ? this.tokens[id] : undefined
    return token && !this.isOver(token) ? token : this.ask(id)
  }

  /** Calls that need the same one wait for one answer. */
  private ask(id: string): Promise<Token> {
    let asking = this.asked.get(id)
    if (!asking) {
      asking = this.deps
        .ask(id)
        .then((token): Token => (this.isOver(token) ? { kind: 'failed', reason: 'It had ended when it came.' } : token))
        .finally(() => this.asked.delete(id))
      this.asked.set(id, asking)
    }
    return asking
  }

  private isOver(token: Token): boolean {
    return token.kind !== 'failed' && token.expiresMs !== undefined && token.expiresMs <= this.deps.nowMs()
  }
}

/** How the credential of a target is shown; at once unless a token has to be asked for. */
export function shown({ credential, provider: { name } }: PaidTarget, tokens: TokenShelf): Shown | Promise<Shown> {
  if (!credential.isCloud) return { header: credential.header }
  const token = tokens.get(credential.id)
  return token instanceof Promise ? token.then((got) => ofToken(got, name), notThere) : ofToken(token, name)
}

/** What is sent, or why nothing can be. */
export type Shown = { readonly header: Header | undefined } | { readonly error: GatewayError }

function ofToken(token: Token, provider: string): Shown {
  switch (token.kind) {
    case 'bearer':
      return { header: ['authorization', `Bearer ${token.token}`] }
    case 'aws':
      return {
        error: new GatewayError(
          'no_credential',
          `Trunkline cannot sign requests to ${provider} with an AWS access key yet. Use a Bedrock API key: set AWS_BEARER_TOKEN_BEDROCK, or providers.${provider}.api_key.`,
        ),
      }
    case 'failed':
      return {
        error: new GatewayError(
          'no_credential',
          `The credential for ${provider} could not be changed into a token: ${token.reason}`,
        ),
      }
  }
}

/** What is wrong with control is for whoever runs it, and is said in the server's health. */
function notThere(thrown: unknown): Shown {
  const error = toGatewayError(thrown)
  if (error.code !== 'internal') return { error }
  return {
    error: new GatewayError('starting', 'There is nobody at the moment to ask for a token. Try again.', {
      cause: error,
    }),
  }
}
