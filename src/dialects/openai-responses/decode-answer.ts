import type { ChatAnswer, Extra, Finish, FinishReason, Part, TokenLogprob } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { type Fields, fieldsOf, isFields, listOf, numberOf, rowOf, stringOf, textOf, without } from '../values.ts'
import { failureOf } from './errors.ts'
import { addItem, isCall, itemsOf } from './items.ts'
import { own } from './own.ts'
import { usageOf } from './usage.ts'

export function decodeAnswer(body: unknown): ChatAnswer {
  if (!isFields(body)) throw new GatewayError('upstream_invalid', 'What the provider sent is no response.')
  refuseFailed(body)
  if (!Array.isArray(body.output) && stringOf(body.status) === undefined)
    throw new GatewayError('upstream_invalid', 'What the provider sent has no `output`, so it is no response.')
  const items = itemsOf(body)
  const parts: Part[] = []
  for (const item of items) addItem(parts, item)
  const finish = finishOf(body, items.some(isCall))
  const logprobs = items.flatMap(({ content }) => listOf(content).flatMap((part) => logprobsOf(part.logprobs)))
  const usage = usageOf(body.usage)
  const serviceTier = stringOf(body.service_tier)
  return {
    ...startOf(body),
    ...(serviceTier !== undefined && { serviceTier }),
    choices: [
      {
        message: { role: 'assistant', parts },
        ...(finish && { finish }),
        ...(logprobs.length > 0 && { logprobs }),
      },
    ],
    ...(usage && { usage, usageReported: body.usage }),
    extra: answerExtra(body),
  }
}

/** A response that failed comes with a good status. */
export function refuseFailed(response: Fields): void {
  const hasFailed = response.status === 'failed' || response.type === 'error'
  if (hasFailed) throw failureOf(response.error ?? response)
  if (isFields(response.error) || typeof response.error === 'string') throw failureOf(response.error)
}

export function startOf({ id, model, created_at }: Fields): Pick<ChatAnswer, 'id' | 'model' | 'createdS'> {
  const createdS = numberOf(created_at)
  return {
    ...(typeof id === 'string' && id !== '' && { id }),
    ...(typeof model === 'string' && model !== '' && { model }),
    ...(createdS !== undefined && { createdS }),
  }
}

/** What is said in our words elsewhere. */
const said = new Set([
  'id',
  'object',
  'model',
  'created_at',
  'service_tier',
  'status',
  'incomplete_details',
  'error',
  'output',
  'usage',
])

/** What a response repeats of its request, or says in general: nobody misses it. */
const repeated = new Set([
  'background',
  'completed_at',
  'conversation',
  'frequency_penalty',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'output_text',
  'parallel_tool_calls',
  'presence_penalty',
  'previous_response_id',
  'prompt',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'store',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
])

/** There even when it is empty: it says whose answer this is. */
export function answerExtra(response: Fields): Extra {
  const fields: Record<string, unknown> = {}
  const echo: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(without(response, said))) {
    const place = repeated.has(name) ? echo : fields
    Object.defineProperty(place, name, { value, enumerable: true, writable: true, configurable: true })
  }
  return { dialect: own, fields, ...(Object.keys(echo).length > 0 && { echo }) }
}

const incompleteReasons: Readonly<Record<string, FinishReason>> = {
  max_output_tokens: 'length',
  content_filter: 'content_filter',
}

/** Undefined while the response is not ready. */
export function finishOf(response: Fields, hasCalls: boolean): Finish | undefined {
  const { status } = response
  if (status === 'in_progress' || status === 'queued') return undefined
  if (status === 'completed' || status === undefined)
    return { reason: hasCalls ? 'tool_calls' : 'stop', native: 'completed' }
  const details = fieldsOf(response.incomplete_details)
  const native = stringOf(details.reason) ?? textOf(status)
  return {
    reason: rowOf(incompleteReasons, details.reason) ?? 'other',
    native,
    extra: {
      dialect: own,
      fields: {},
      echo: { status, ...(details.reason !== undefined && { incomplete_details: details }) },
    },
  }
}

export const logprobsOf = (logprobs: unknown): readonly TokenLogprob[] => listOf(logprobs).map(tokenOf)

function tokenOf(wire: Fields): TokenLogprob {
  const { bytes, top_logprobs } = wire
  return {
    token: textOf(wire.token),
    logprob: numberOf(wire.logprob) ?? 0,
    ...(Array.isArray(bytes) && { bytes: bytes as readonly number[] }),
    ...(Array.isArray(top_logprobs) && { top: listOf(top_logprobs).map(tokenOf) }),
  }
}
