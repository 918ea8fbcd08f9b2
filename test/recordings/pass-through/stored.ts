/** What is stored of a call, held against what the readers of the matrix find in the recording. */
import { expect } from 'vitest'
import type { Choice, DocumentPart, Message, Part } from '../../../src/core/chat.ts'
import { inputTokens, outputTokens, type Usage } from '../../../src/core/usage.ts'
import type { TraceView } from '../../../src/store/show.ts'
import { attemptsIn, callIn } from '../../support/trunkline.ts'
import { bodyOf, doors, eventsOf } from '../matrix/formats.ts'
import { type Asked, Conversation } from '../matrix/oracle/asked.ts'
import { askedOf } from '../matrix/oracle/asked-readers.ts'
import type { SaidChoice, SaidUsage } from '../matrix/oracle/said.ts'
import { isObj, list, meaning, obj, str, type Tree } from '../matrix/oracle/tree.ts'
import { expectChat } from './chat.ts'
import type { Passed } from './client.ts'

type Ending = 'error' | 'cut off' | 'blocked' | 'nobody knows'

/** What a recording has for an answer, read by readers of the test's own, or what is there in place of one. */
function answerIn({ given, place }: Passed): Tree | Ending {
  if (given.response.status >= 400 || given.features.includes('error-mid-stream')) return 'error'
  if (/cut-off-mid-stream/.test(given.id)) return 'cut off'
  if (/prompt-blocked/.test(given.id)) return 'blocked'
  // Two streams that its project wrote one after the other into one file.
  if (given.id === 'azure-reasoning-encrypted-content-1-0-f6b0ecf8') return 'nobody knows'
  return given.streaming ? doors[place.door.dialect].fold(eventsOf(given)) : obj(bodyOf(given))
}

export function expectStored(passed: Passed, view: TraceView): void {
  const { given, status, place } = passed
  const { id } = place
  const call = callIn(view)
  const [attempt, ...others] = attemptsIn(view)
  expect(others).toEqual([])
  const detail = attempt?.detail
  expect([id, detail?.httpStatus, call.detail.httpStatus]).toEqual([id, given.response.status, status])
  expectHeard(passed, call.conversation?.messages ?? [])
  if (place.door.dialect === 'openai-chat' && given.response.status < 400) expectChat(passed, view)
  const answer = answerIn(passed)
  if (typeof answer === 'string') {
    expectEnding(id, answer, view)
    return
  }
  expect([id, call.conversation?.notes]).toEqual([id, []])
  const said = doors[place.door.dialect].said(answer)
  const hasEnd = said.choices[0]?.finish !== 'none'
  const unterminated = given.streaming && !hasEnd ? true : undefined
  expect([id, call.status, detail?.error, detail?.unterminated]).toEqual([id, 'ok', undefined, unterminated])
  const choices = said.choices.map((choice) => plain(choice, place.door.dialect === 'openai-chat'))
  expect({ id, choices: call.conversation?.answer?.choices.map(spoken) }).toEqual({ id, choices })
  expect([id, detail?.modelAnswered ?? '']).toEqual([id, modelIn(answer)])
  // The quick look tells the provider's own word, the conversation what it means.
  expect([said.choices[0]?.finish ?? 'none', choices[0]?.finish]).toContain(detail?.finishReason ?? 'none')
  expectUsage(id, view, said.usage, usageIn(answer))
}

function expectHeard({ asked, place: { id, door } }: Passed, messages: readonly Message[]): void {
  if (asked.evidence !== 'recorded' || asked.request.body === null) return
  const read = askedOf[door.dialect]
  if (!read) throw new Error(`Nobody reads requests of ${door.dialect}.`)
  const { system, isMidway, said, media, documents } = read(asked.request.body)
  expect({ id, ...heard(messages) }).toEqual({ id, system, isMidway, said, media, documents })
}

function expectEnding(id: string, ending: Ending, view: TraceView): void {
  const call = callIn(view)
  const detail = attemptsIn(view)[0]?.detail
  const { notes = [] } = call.conversation ?? {}
  if (ending === 'error') {
    expect([id, call.status, detail?.error?.message]).toEqual([id, 'error', expect.stringMatching(/./)])
    expect([id, call.detail.error]).toEqual([id, detail?.error])
  } else if (ending === 'cut off') {
    expect([id, call.status, detail?.unterminated, detail?.finishReason]).toEqual([id, 'ok', true, undefined])
  } else if (ending === 'blocked') {
    expect([id, detail?.finishReason, notes]).toEqual([
      id,
      'content_filter',
      [expect.stringMatching(/refused the prompt/)],
    ])
  }
}

const modelIn = (answer: Tree): string => str(answer.model) || str(answer.modelVersion)

const usageIn = (answer: Tree): unknown =>
  answer.usage ??
  answer.usageMetadata ??
  obj(answer.x_groq).usage ??
  list(answer.choices).find(({ usage }) => usage)?.usage

function expectUsage(id: string, view: TraceView, said: SaidUsage | undefined, reported: unknown): void {
  const { trace } = view
  const { usage, usageReported, usageMissing } = attemptsIn(view)[0]?.detail ?? {}
  const sums = [usage && inputTokens(usage), usage && outputTokens(usage)]
  expect([id, trace.inputTokens, trace.outputTokens]).toEqual([id, ...sums])
  if (!said) {
    expect([id, usageMissing, callIn(view).detail.usageEstimated]).toEqual([id, expect.any(String), true])
    return
  }
  // A later chunk of Gemini leaves out what is 0, and the numbers of an earlier one stay beside it.
  expect([id, usageMissing, usageReported]).toEqual([
    id,
    undefined,
    isObj(reported) && expect.objectContaining(reported),
  ])
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

const plain = ({ text, refusal, reasoning, media, finish, calls }: SaidChoice, isChat: boolean): Spoken => ({
  text,
  refusal,
  reasoning,
  media,
  // Models say that they stopped where they wait for a call, OpenAI when it was told to make it; Snowflake says nothing.
  finish: finish === 'stop' || (isChat && finish === 'none') ? (calls.length > 0 ? 'tool_calls' : 'stop') : finish,
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
      (part.kind === 'image' || part.kind === 'audio') && mediumIn(part.source)
        ? [mediumIn(part.source).slice(0, 40)]
        : [],
    ),
    finish: finish?.reason ?? 'none',
    calls: parts.flatMap((part) =>
      part.kind === 'tool-call'
        ? [{ name: part.name, args: part.custom ? part.arguments : meaning(part.arguments) }]
        : [],
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
      talk.text(who, part.text)
      break
    case 'tool-call':
      talk.call(part.id, part.name, part.arguments)
      break
    case 'tool-result':
      talk.result(part.callId, part.name ?? '', textsIn(part.parts))
      for (const inner of part.parts) if (inner.kind !== 'text') hear(talk, who, inner)
      break
    case 'image':
    case 'audio':
    case 'video':
      talk.medium(mediumIn(part.source))
      break
    case 'document':
      if (part.source.kind === 'text') talk.document(part.source.text)
      else if (part.source.kind === 'parts') talk.document(textsIn(part.source.parts))
      else talk.file(mediumIn(part.source))
      break
    default:
  }
}

const textsIn = (parts: readonly Part[]): string =>
  parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')

function mediumIn(source: DocumentPart['source']): string {
  if (source.kind === 'data') return source.data
  if (source.kind === 'url') return source.url
  // Google's files are called by their address.
  return source.kind === 'file' && /^\w+:/.test(source.id) ? source.id : ''
}
