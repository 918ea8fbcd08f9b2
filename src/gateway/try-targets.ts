import { clientLeft, type ErrorCode, GatewayError } from '../core/error.ts'
import { errorOf } from '../telemetry/trace.ts'
import type { Answer } from './answer.ts'
import { type AttemptDeps, attempt, type Refused } from './attempt.ts'
import type { Call } from './call.ts'
import type { PaidTarget } from './credential.ts'
import { headerText } from './headers.ts'
import { type Shown, shown, type TokenShelf } from './tokens.ts'

export interface TryDeps extends AttemptDeps {
  readonly tokens: TokenShelf
}

/**
 * The first answer that begins well. When a credential is refused the next one is tried; any other error is the same
 * with each of them. When there is no answer, the client hears the last provider's own words.
 */
export async function tryTargets(call: Call, targets: readonly PaidTarget[], deps: TryDeps): Promise<Answer> {
  let last: Refused | undefined
  for (const target of targets) {
    call.replyHeaders['x-provider-name'] = headerText(target.provider.name)
    const outcome = await tryTarget(call, target, deps)
    if (!('error' in outcome)) return outcome
    last = outcome
    if (!ofCredential.has(outcome.error.code)) break
  }
  if (last?.asItCame) return last.asItCame
  throw (
    last?.error ??
    new GatewayError('model_not_found', `No provider offers the model ${call.facts.model}.`, { param: 'model' })
  )
}

/** Errors that are the credential's: with another one it may go better. */
const ofCredential: ReadonlySet<ErrorCode> = new Set([
  'no_credential',
  'unauthorized',
  'permission_denied',
  'rate_limited',
  'quota_exceeded',
  // Nobody was there to change it into a token.
  'starting',
  'overdue',
])

function tryTarget(call: Call, target: PaidTarget, deps: TryDeps): Promise<Answer | Refused> {
  const means = shown(target, deps.tokens)
  return means instanceof Promise ? tryLater(call, target, means, deps) : tryWith(call, target, means, deps)
}

/** A client may leave while its call waits for a token. */
async function tryLater(
  call: Call,
  target: PaidTarget,
  waiting: Promise<Shown>,
  deps: TryDeps,
): Promise<Answer | Refused> {
  let hasLeft = false
  call.onGone(() => {
    hasLeft = true
  })
  const means = await waiting
  return hasLeft ? { error: clientLeft() } : tryWith(call, target, means, deps)
}

function tryWith(call: Call, target: PaidTarget, means: Shown, deps: TryDeps): Promise<Answer | Refused> {
  if (!('error' in means)) return attempt(call, { ...target, header: means.header }, deps)
  const { error } = means
  const { provider, model, credential } = target
  const dialect = call.dialect.name
  const trace = call.trace.attempt({
    provider: provider.name,
    dialect,
    model,
    requestBytes: 0,
    credential: credential.id,
  })
  trace.end({ status: 'error', error: errorOf(error), usageMissing: 'failed' })
  return Promise.resolve({ error })
}
