import type { AudioPart, ChatAnswer, Choice, Message, Part, ToolCall } from '../../core/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { answerId } from '../ids.ts'
import { dataUrlOf } from '../media.ts'
import { type Fields, fieldsOf, isFields, listOf } from '../values.ts'
import { writtenCitations } from './citations.ts'
import { finishWord, own } from './finish.ts'
import { wireTokens } from './logprobs.ts'
import { detailsOf, echoOf, isDetail, needsDetails, type ThoughtsField } from './thoughts.ts'
import { wireUsageOf } from './usage.ts'

export function encodeAnswer(answer: ChatAnswer, context: AnswerContext): unknown {
  const isOwn = answer.extra?.dialect === own
  const { usage, usageReported, serviceTier, choices } = answer
  const reported = isOwn && isFields(usageReported) ? usageReported : usage && wireUsageOf(usage)
  return {
    id: idOf(answer, isOwn, context),
    object: 'chat.completion',
    created: Math.floor(answer.createdS ?? context.createdS),
    model: answer.model || context.request.model,
    choices: choices.map((choice, index) => choiceOf(choice, index, isOwn, context)),
    ...(reported && { usage: reported }),
    ...(serviceTier !== undefined && { service_tier: serviceTier }),
    ...(isOwn && answer.extra?.fields),
  }
}

/** The provider's own id where it speaks this dialect, else one of the kind that clients look for. */
export const idOf = ({ id }: { readonly id?: string }, isOwn: boolean, context: AnswerContext): string =>
  context.answerId ?? (isOwn && id ? id : answerId('chatcmpl-', id, context.newId))

function choiceOf(choice: Choice, index: number, isOwn: boolean, context: AnswerContext): Fields {
  const { message, finish, logprobs, extra } = choice
  const { message: said, ...rest } = extra?.dialect === own ? extra.fields : {}
  const hasCalls = message.parts.some(({ kind }) => kind === 'tool-call')
  const isRefusal = message.parts.some(({ kind }) => kind === 'refusal') && textIn(message.parts) === ''
  const tokens = logprobs && wireTokens(logprobs)
  return {
    index,
    message: messageOf(message, fieldsOf(said), isOwn, context),
    logprobs: tokens ? { content: isRefusal ? null : tokens, refusal: isRefusal ? tokens : null } : null,
    finish_reason: finish ? finishWord(finish, hasCalls, isOwn) : null,
    ...rest,
  }
}

function messageOf({ parts }: Message, said: Fields, isOwn: boolean, context: AnswerContext): Fields {
  const { annotations, citations } = writtenCitations(parts)
  const { annotations: others, ...rest } = said
  const noted = [...annotations, ...listOf(others)]
  const calls = parts.filter((part) => part.kind === 'tool-call')
  const current = calls.filter((call) => !isOld(call))
  const old = calls.find(isOld)
  const images = parts.flatMap((part, index) => (part.kind === 'image' ? imageOf(part.source, index) : []))
  const audio = parts.find((part) => part.kind === 'audio')
  const served = parts.flatMap((part) => (part.kind === 'server-tool' && part.dialect === own ? [part.value] : []))
  return {
    role: 'assistant',
    content: contentOf(parts, isOwn),
    refusal: parts.flatMap((part) => (part.kind === 'refusal' ? [part.text] : [])).join('') || null,
    ...thoughtsOf(parts),
    ...(noted.length > 0 && { annotations: noted }),
    ...(citations.length > 0 && { citations }),
    ...(current.length > 0 && { tool_calls: current.map((call) => callOf(call, context)) }),
    ...(old && { function_call: { name: old.name, arguments: old.arguments || '{}' } }),
    ...(images.length > 0 && { images }),
    ...(audio && { audio: audioOf(audio, context) }),
    ...(served.length > 0 && { executed_tools: served }),
    ...rest,
  }
}

export const isOld = (call: ToolCall): boolean => call.extra?.dialect === own && call.extra.echo?.isOld === true

const textIn = (parts: readonly Part[]): string =>
  parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('')

/** Text, `null` where other things stand in its place, or Mistral's list where it came as one. */
function contentOf(parts: readonly Part[], isOwn: boolean): unknown {
  if (isOwn && parts.some(isListed)) return parts.flatMap(listedOf)
  const text = textIn(parts)
  return text === '' && parts.some(({ kind }) => kind !== 'reasoning' && kind !== 'text') ? null : text
}

const isListed = (part: Part): boolean =>
  (part.kind === 'reasoning' && echoOf(part)?.field === 'thinking') || isUnknown(part)

const isUnknown = (part: Part): part is Extract<Part, { kind: 'opaque' }> =>
  part.kind === 'opaque' && part.dialect === own && !isDetail(part.value)

function listedOf(part: Part): readonly unknown[] {
  if (part.kind === 'text') return [{ type: 'text', text: part.text }]
  if (part.kind === 'reasoning' && echoOf(part)?.field === 'thinking')
    return [thinkingOf(part.text, echoOf(part)?.closed)]
  return isUnknown(part) ? [part.value] : []
}

export const thinkingOf = (text: string, closed: boolean | undefined): Fields => ({
  type: 'thinking',
  thinking: [{ type: 'text', text }],
  ...(closed !== undefined && { closed }),
})

/**
 * Most clients read `reasoning_content`. What has to come back with its seal stands in `reasoning_details` too, as
 * OpenRouter has it, which is the widest understood.
 */
function thoughtsOf(parts: readonly Part[]): Fields {
  const fields = new Map<ThoughtsField, string>()
  for (const part of parts) {
    if (part.kind !== 'reasoning' || part.text === '') continue
    const echo = echoOf(part)
    const field = echo ? echo.field : 'reasoning_content'
    if (!field || field === 'thinking') continue
    fields.set(field, (fields.get(field) ?? '') + part.text)
    if (echo?.isTwice) fields.set('reasoning', (fields.get('reasoning') ?? '') + part.text)
  }
  return {
    ...Object.fromEntries(fields),
    ...(needsDetails(parts) && { reasoning_details: detailsOf(parts, () => true) }),
  }
}

function callOf(call: ToolCall, context: AnswerContext): Fields {
  const { name, custom, arguments: written } = call
  const id = call.id || `call_${context.newId()}`
  if (custom) return { id, type: 'custom', custom: { name, input: written } }
  return { id, type: 'function', function: { name, arguments: written || '{}' }, ...sealFields(call) }
}

/** Gemini's signatures on calls, as its own endpoint for this dialect has them. */
export const sealFields = (call: ToolCall): Fields =>
  call.seal?.by === 'gemini' && !echoOf(call)?.sealed
    ? { extra_content: { google: { thought_signature: call.seal.value } } }
    : {}

export function imageOf(source: Extract<Part, { kind: 'image' }>['source'], index: number): readonly Fields[] {
  if (source.kind === 'file') return []
  const url = source.kind === 'url' ? source.url : dataUrlOf(source)
  return [{ type: 'image_url', image_url: { url }, index }]
}

export function audioOf({ source, transcript = '', extra }: AudioPart, { newId, createdS }: AnswerContext): Fields {
  const { id, expires_at: expires } = extra?.dialect === own ? (extra.echo ?? {}) : {}
  return {
    id: id ?? `audio_${newId()}`,
    data: source.kind === 'data' ? source.data : '',
    transcript,
    expires_at: expires ?? Math.floor(createdS) + audioLivesS,
  }
}

/** How long OpenAI itself keeps what was said, to be referred to. */
const audioLivesS = 3600
