import type { ChatAnswer, Finish, TokenLogprob } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { inputTokens, outputTokens, type Usage } from '../../core/usage.ts'
import type { AnswerContext } from '../dialect.ts'
import { countOf, type Fields, fieldsOf, isFields, listOf, numberOf, present, stringOf, textOf } from '../values.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeParts } from './encode-message.ts'
import { readDisguised } from './errors.ts'
import { extraOf, ownEcho, ownFields } from './extras.ts'

const readFields = new Set(['model', 'created_at', 'message', 'done', 'done_reason', 'logprobs', 'error'])

const counted = ['prompt_eval_count', 'eval_count'] as const
const durations = ['total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration'] as const

export function decodeAnswer(body: unknown): ChatAnswer {
  const answer = fieldsOf(body)
  if (!isFields(answer.message)) throw noAnswer(body)
  const finish = finishOf(answer, listOf(answer.message.tool_calls).length > 0)
  const logprobs = logprobsOf(answer.logprobs)
  const { role: _, ...message } = answer.message
  return {
    ...startOf(answer),
    choices: [
      {
        message: decodeMessage(message, 'assistant'),
        ...(finish && { finish }),
        ...(logprobs.length > 0 && { logprobs }),
      },
    ],
    ...present({ usage: usageOf(answer), usageReported: reportedOf(answer) }),
    ...ownOf(answer),
  }
}

const noAnswer = (body: unknown): GatewayError =>
  fieldsOf(body).error === undefined
    ? new GatewayError('upstream_invalid', 'What the provider sent is no answer: it has no message.')
    : readDisguised(Buffer.from(JSON.stringify(body)))

export function startOf({ model, created_at }: Fields): { model?: string; createdS?: number } {
  const createdMs = typeof created_at === 'string' ? Date.parse(created_at) : Number.NaN
  return present({
    model: stringOf(model),
    createdS: Number.isNaN(createdMs) ? undefined : Math.floor(createdMs / 1000),
  })
}

/** Calls are no reason of their own here. */
export function finishOf({ done, done_reason }: Fields, hasCalls: boolean): Finish | undefined {
  if (done !== true) return undefined
  const native = stringOf(done_reason)
  const reason = native === 'length' ? 'length' : hasCalls ? 'tool_calls' : 'stop'
  return { reason, ...(native && { native }) }
}

export function usageOf(answer: Fields): Usage | undefined {
  const usage = present({ inputUncached: countOf(answer.prompt_eval_count), outputText: countOf(answer.eval_count) })
  return Object.keys(usage).length === 0 ? undefined : usage
}

export function reportedOf(answer: Fields): Fields | undefined {
  const reported = Object.fromEntries(
    counted.filter((name) => answer[name] !== undefined).map((name) => [name, answer[name]]),
  )
  return Object.keys(reported).length === 0 ? undefined : reported
}

/** How long everything took, and when it was. */
export function ownOf(answer: Fields): ReturnType<typeof extraOf> {
  const fields: Record<string, unknown> = {}
  const echo: Record<string, unknown> = present({ created_at: answer.created_at })
  for (const [name, value] of Object.entries(answer)) {
    if (readFields.has(name) || counted.some((one) => one === name)) continue
    const target = durations.some((one) => one === name) ? echo : fields
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true })
  }
  return extraOf(fields, echo)
}

export const logprobsOf = (wire: unknown): readonly TokenLogprob[] =>
  listOf(wire).map((one) => ({
    token: textOf(one.token),
    logprob: numberOf(one.logprob) ?? 0,
    ...(Array.isArray(one.bytes) && { bytes: one.bytes as number[] }),
    ...(one.top_logprobs !== undefined && { top: logprobsOf(one.top_logprobs) }),
  }))

export const encodeLogprobs = (tokens: readonly TokenLogprob[]): Fields[] =>
  tokens.map(({ token, logprob, bytes, top }) => ({
    token,
    logprob,
    ...(bytes && { bytes }),
    ...(top && { top_logprobs: encodeLogprobs(top) }),
  }))

const silently = (): void => undefined

/** Only the first choice is shown: there is no place for others. */
export function encodeAnswer(answer: ChatAnswer, context: AnswerContext): unknown {
  const { choices, usage, extra } = answer
  const [choice] = choices
  const { created_at, ...times } = ownEcho(extra)
  const message = encodeParts(choice?.message.parts ?? [], '', silently)
  return {
    model: answer.model ?? context.request.model,
    created_at: created_at ?? timeOf(answer.createdS, context.createdS),
    message: { role: 'assistant', ...message, ...ownFields(choice?.message.extra) },
    ...endOf(choice?.finish, usage),
    ...(choice?.logprobs && { logprobs: encodeLogprobs(choice.logprobs) }),
    ...times,
    ...ownFields(extra),
  }
}

const latestS = 8.64e12

/** A time that the provider told, where it is one. */
export const timeOf = (seconds: number | undefined, otherwise: number): string => {
  const isTime = seconds !== undefined && Math.abs(seconds) <= latestS
  return new Date((isTime ? seconds : otherwise) * 1000).toISOString()
}

/** How an answer ends: one word for all reasons but that it became too long. */
export const endOf = (finish: Finish | undefined, usage: Usage | undefined): Fields =>
  present({
    done: true,
    done_reason: finish?.reason === 'length' ? 'length' : 'stop',
    prompt_eval_count: usage && inputTokens(usage),
    eval_count: usage && outputTokens(usage),
  })
