import type { Answer, Call, Choice, Usage } from './answer.ts'
import { fragmentsOf, inPieces, wordsOf } from './text.ts'

/** The first second of 2025: the mock has no clock, so that the same request has the same answer. */
const created = 1_735_689_600

const about = ({ id, model }: Answer, object: string) => ({
  id,
  object,
  created,
  model,
  service_tier: 'default',
  system_fingerprint: 'fp_mock',
})

export const encodeAnswer = (answer: Answer): string =>
  JSON.stringify({
    ...about(answer, 'chat.completion'),
    choices: answer.choices.map(({ finish, ...choice }, index) => ({
      index,
      message: messageOf(choice),
      logprobs: null,
      finish_reason: finish,
    })),
    ...(answer.usage && { usage: wireUsage(answer.usage) }),
  })

const messageOf = ({ reasoning, text, calls }: Omit<Choice, 'finish'>) => ({
  role: 'assistant',
  content: contentOf(text, calls),
  ...(reasoning !== '' && { reasoning_content: reasoning }),
  ...(calls.length > 0 && { tool_calls: calls.map((call) => ({ ...nameOf(call), ...inputOf(call, call.arguments) })) }),
  refusal: null,
  annotations: [],
})

/** OpenAI writes `null` beside tool calls. */
const contentOf = (text: string, calls: readonly Call[]): string | null =>
  text === '' && calls.length > 0 ? null : text

const nameOf = ({ id, type }: Call) => ({ id, type })

const inputOf = ({ type, name }: Call, input: string) =>
  type === 'custom' ? { custom: { name, input } } : { function: { name, arguments: input } }

const wireUsage = ({ prompt, completion, reasoning }: Usage) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: reasoning,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
})

export interface StreamShape {
  readonly includeUsage: boolean
  readonly chunkWords: number
}

/** The events of the stream in OpenAI's order, each with its blank line. */
export function encodeStream(answer: Answer, { includeUsage, chunkWords }: StreamShape): readonly string[] {
  const head = about(answer, 'chat.completion.chunk')
  const usage = includeUsage ? answer.usage : undefined
  const event = (choices: readonly object[], reported: object | null): string =>
    frame({ ...head, choices, ...(usage && { usage: reported }) })
  const chunks = inTurn(answer.choices.map((choice, index) => chunksOf(choice, index, chunkWords)))
  return [
    ...chunks.map((chunk) => event([chunk], null)),
    ...(usage ? [event([], wireUsage(usage))] : []),
    ...(answer.choices.every(({ finish }) => finish !== null) ? ['data: [DONE]\n\n'] : []),
  ]
}

export const frame = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

function chunksOf({ reasoning, text, calls, finish }: Choice, index: number, size: number): readonly object[] {
  const deltas = [
    { role: 'assistant', content: contentOf('', calls), refusal: null },
    ...inPieces(wordsOf(reasoning), size).map((piece) => ({ reasoning_content: piece })),
    ...inPieces(wordsOf(text), size).map((piece) => ({ content: piece })),
    ...calls.flatMap((call, at) => [
      { tool_calls: [{ index: at, ...nameOf(call), ...inputOf(call, '') }] },
      ...inPieces(fragmentsOf(call.arguments), 1).map((piece) => ({
        tool_calls: [{ index: at, ...fragmentOf(call, piece) }],
      })),
    ]),
  ]
  const chunk = (delta: object, reason: string | null): object => ({
    index,
    delta,
    logprobs: null,
    finish_reason: reason,
  })
  return [...deltas.map((delta) => chunk(delta, null)), ...(finish === null ? [] : [chunk({}, finish)])]
}

const fragmentOf = ({ type }: Call, piece: string) =>
  type === 'custom' ? { custom: { input: piece } } : { function: { arguments: piece } }

/** The first of each, then the second of each: choices come interleaved. */
function inTurn<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  return Array.from({ length: longest }, (_, place) => lists.flatMap((list) => list.slice(place, place + 1))).flat()
}
