/** What is stored of a call, held against what the readers of the matrix find in the recording. */
import { expect } from 'vitest'
import type { ChatAnswer, Choice, DocumentPart, Message, Part } from '../../../src/core/chat.ts'
import { inputTokens, outputTokens, type Usage } from '../../../src/core/usage.ts'
import type { TraceView } from '../../../src/store/show.ts'
import { attemptsIn, callIn } from '../../support/trunkline.ts'
import { bodyOf, doors, eventsOf } from '../matrix/formats.ts'
import { type Asked, askedOf, Conversation } from '../matrix/oracle/asked.ts'
import type { SaidChoice, SaidUsage } from '../matrix/oracle/said.ts'
import { isObj, list, meaning, obj, str, type Tree } from '../matrix/oracle/tree.ts'
import type { Passed } from './client.ts'

/** What a recording has for an answer, read by readers of the test's own; a string says why there is none. */
export function answerIn({ given }: Passed): Tree | string {
  if (given.response.status >= 400) return 'an error'
  if (given.features.includes('error-mid-stream')) return 'an error in the middle of a stream'
  if (/cut-off-mid-stream/.test(given.id)) return 'a stream that was cut off'
  if (given.id === 'azure-reasoning-encrypted-content-1-0-f6b0ecf8') return 'two streams in one file'
  return given.streaming ? doors[dialectOf(given.api)].fold(eventsOf(given)) : obj(bodyOf(given))
}

const dialectOf = (api: string): keyof typeof doors =>
  api === 'openai.chat'
    ? 'openai-chat'
    : api === 'openai.responses'
      ? 'openai-responses'
      : api === 'anthropic.messages'
        ? 'anthropic-messages'
        : 'gemini'

export function expectStored(passed: Passed, view: TraceView): void {
  const { asked, given, status, place } = passed
  const { dialect } = place.door
  const call = callIn(view)
  const [attempt, another] = attemptsIn(view)
  const detail = attempt?.detail
  expect([place.id, another, detail?.httpStatus, call.detail.httpStatus]).toEqual([
    place.id,
    undefined,
    given.response.status,
    status,
  ])
  if (asked.request.body !== null && call.conversation)
    expect({ id: place.id, ...heard(call.conversation.messages) }).toEqual({
      id: place.id,
      ...(({ system, isMidway, said, media, documents }: Asked) => ({ system, isMidway, said, media, documents }))(
        askedOf[dialect]?.(asked.request.body) as Asked,
      ),
    })
  const answer = answerIn(passed)
  if (typeof answer === 'string') {
    expect([place.id, attempt?.status, call.status, detail?.error !== undefined]).toEqual([
      place.id,
      'error',
      'error',
      true,
    ])
    return
  }
  expect([place.id, call.status, detail?.error]).toEqual([place.id, 'ok', undefined])
  const said = doors[dialect].said(answer)
  expect([place.id, call.conversation?.notes]).toEqual([place.id, []])
  expect({ id: place.id, choices: call.conversation?.answer?.choices.map(spoken) }).toEqual({
    id: place.id,
    choices: said.choices.map(plain),
  })
  expect([place.id, detail?.modelAnswered ?? '']).toEqual([place.id, modelIn(answer)])
  expect([place.id, detail?.finishReason ?? 'none']).toEqual([place.id, said.choices[0]?.finish ?? 'none'])
  expectUsage(place.id, view, said.usage, usageIn(answer))
}

const modelIn = (answer: Tree): string => str(answer.model) || str(answer.modelVersion)

const usageIn = (answer: Tree): unknown =>
  answer.usage ?? answer.usageMetadata ?? obj(answer.x_groq).usage ?? list(answer.choices).find(({ usage }) => usage)?.usage

function expectUsage(id: string, view: TraceView, said: SaidUsage | undefined, reported: unknown): void {
  const { trace } = view
  const { usage, usageReported, usageMissing } = attemptsIn(view)[0]?.detail ?? {}
  const sums = [usage && inputTokens(usage), usage && outputTokens(usage)]
  expect([id, trace.inputTokens, trace.outputTokens]).toEqual([id, ...sums])
  if (!said) {
    expect([id, usageMissing, callIn(view).detail.usageEstimated]).toEqual([id, expect.any(String), true])
    return
  }
  expect([id, usageMissing, usageReported]).toEqual([id, undefined, reported])
  expect({ id, ...counted(usage ?? {}) }).toEqual({ id, ...said })
}

const counted = (usage: Usage): SaidUsage => ({
  input: inputTokens(usage) ?? 0,
  output: outputTokens(usage) ?? 0,
  cached: usage.cacheRead ?? 0,
  written: (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0),
  reasoning: usage.reasoning ?? 0,
})

type Spoken = Pick<SaidChoice, 'text' | 'refusal' | 'reasoning' | 'media' | 'finish' | 'calls'>

const plain = ({ text, refusal, reasoning, media, finish, calls }: SaidChoice): Spoken => ({
  text,
  refusal,
  reasoning,
  media,
  finish,
  calls: calls.map(({ name, args }) => ({ name, args: meaning(args) })),
})

/** A choice of the stored answer in the same words. */
function spoken({ message: { parts }, finish }: Choice): Spoken {
  const texts = (kind: 'text' | 'refusal' | 'reasoning') =>
    parts.map((part) => (part.kind === kind ? part.text : '')).join('')
  return {
    text: texts('text'),
    refusal: texts('refusal'),
    reasoning: texts('reasoning'),
    media: parts.flatMap((part) =>
      (part.kind === 'image' || part.kind === 'audio') && mediumIn(part.source) ? [mediumIn(part.source).slice(0, 40)] : [],
    ),
    finish: finish?.reason ?? 'none',
    calls: parts.flatMap((part) =>
      part.kind === 'tool-call' ? [{ name: part.name, args: part.custom ? part.arguments : meaning(part.arguments) }] : [],
    ),
  }
}

/** The stored messages in the words of the reader of requests. */
function heard(messages: readonly Message[]): Omit<Asked, 'tools' | 'choice' | 'format'> {
  const talk = new Conversation()
  for (const { role, parts } of messages) {
    if (role === 'system' || role === 'developer') talk.instruct(textsIn(parts))
    else for (const part of parts) hear(talk, role === 'assistant' ? 'assistant' : 'user', part)
  }
  const { system, isMidway, said, media, documents } = talk.asked({ tools: [], choice: '', format: undefined })
  return { system, isMidway, said, media, documents }
}

function hear(talk: Conversation, who: 'user' | 'assistant', part: Part): void {
  switch (part.kind) {
    case 'text':
      return talk.text(who, part.text)
    case 'tool-call':
      return talk.call(part.id, part.name, part.arguments)
    case 'tool-result':
      talk.result(part.callId, part.name ?? '', textsIn(part.parts))
      for (const inner of part.parts) if (inner.kind !== 'text') hear(talk, who, inner)
      return
    case 'image':
    case 'audio':
    case 'video':
      return talk.medium(mediumIn(part.source))
    case 'document':
      if (part.source.kind === 'text') return talk.document(part.source.text)
      if (part.source.kind === 'parts') return talk.document(textsIn(part.source.parts))
      return talk.file(mediumIn(part.source))
    default:
  }
}

const textsIn = (parts: readonly Part[]): string => parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')

function mediumIn(source: DocumentPart['source']): string {
  if (source.kind === 'data') return source.data
  if (source.kind === 'url') return source.url
  // Google's files are called by their address.
  return source.kind === 'file' && /^\w+:/.test(source.id) ? source.id : ''
}

export type { ChatAnswer }
export const isTree = isObj
