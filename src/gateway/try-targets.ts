import { GatewayError } from '../core/error.ts'
import type { Target } from '../routing/plan.ts'
import type { Answer } from './answer.ts'
import { type AttemptDeps, attempt, type Refused } from './attempt.ts'
import type { Call } from './call.ts'
import { headerText } from './headers.ts'

/** The first answer that begins well. When there is none, the client hears the last provider's own words. */
export async function tryTargets(call: Call, targets: readonly Target[], deps: AttemptDeps): Promise<Answer> {
  let last: Refused | undefined
  for (const target of targets) {
    call.replyHeaders['x-provider-name'] = headerText(target.provider.name)
    const outcome = await attempt(call, target, deps)
    if (!('error' in outcome)) return outcome
    last = outcome
    if (outcome.error.code === 'cancelled') break
  }
  if (last?.asItCame) return last.asItCame
  throw (
    last?.error ??
    new GatewayError('model_not_found', `No provider offers the model ${call.facts.model}.`, { param: 'model' })
  )
}
