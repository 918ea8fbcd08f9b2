/**
 * The words of chat completions to the letter: roles, names of calls and the order of what is said, which the readers of the
 * matrix leave open, since hosts differ in them.
 */
import { expect } from 'vitest'
import type { DocumentPart, Message, Part } from '../../../src/core/chat.ts'
import type { TraceView } from '../../../src/store/show.ts'
import { responseBytes } from '../../support/recordings.ts'
import { attemptsIn, callIn } from '../../support/trunkline.ts'
import type { Passed } from './client.ts'

export function expectChat({ asked, given }: Passed, view: TraceView): void {
  const recorded = responseBytes(given).toString()
  const request = asked.request.body as unknown as WireRequest
  const answer = given.streaming ? fold(recorded) : (JSON.parse(recorded) as WireAnswer)
  const { id } = given
  const { usage, usageReported, modelAnswered } = attemptsIn(view)[0]?.detail ?? {}
  expect([id, modelAnswered ?? '']).toEqual([id, answer.model ?? ''])
  expect([id, usageReported]).toEqual([id, answer.usage])
  if (answer.usage) expect([id, usage?.cacheRead]).toEqual([id, cachedIn(answer.usage)])
  const { conversation } = callIn(view)
  const error = given.streaming ? events(recorded).find((event) => event.error)?.error : undefined
  expect([id, conversation?.notes]).toEqual([id, error ? [`The answer breaks off: ${error.message}`] : []])
  expect([id, conversation?.messages.map(said)]).toEqual([id, (request.messages ?? []).map(wrote)])
  const choices = (answer.choices ?? []).map(({ message }) => wrote({ role: 'assistant', ...message }))
  expect([id, conversation?.answer?.choices.map(({ message }) => said(message))]).toEqual([id, choices])
}

/** What was read from a cache, as far as anybody said: unknown is not zero. The sums are the general reader's to check. */
function cachedIn(wire: WireUsage): number | undefined {
  const cached =
    wire.prompt_tokens_details?.cached_tokens ??
    wire.prompt_cache_hit_tokens ??
    wire.cached_tokens ??
    wire.num_cached_tokens
  // Grok on Azure has been seen to report more of the prompt as cached than there was.
  return cached === undefined || cached === null ? undefined : Math.min(cached, wire.prompt_tokens)
}

interface WireUsage {
  prompt_tokens: number
  prompt_tokens_details?: { cached_tokens?: number | null } | null
  prompt_cache_hit_tokens?: number
  cached_tokens?: number
  num_cached_tokens?: number
}

interface WirePart {
  type: string
  text?: string
  thinking?: { text: string }[]
  image_url?: { url: string } | string
  input_audio?: { data: string }
  file?: { file_data?: string; file_id?: string }
}

interface WireMessage {
  role?: string
  content?: string | WirePart[] | null
  refusal?: string | null
  reasoning_content?: string | null
  reasoning?: string | null
  reasoning_details?: { text?: string; summary?: string }[] | null
  tool_call_id?: string
  tool_calls?: { index?: number; id?: string; function?: { name?: string; arguments?: string } }[] | null
}

interface WireRequest {
  model: string
  messages?: WireMessage[]
  stream_options?: { include_usage?: boolean }
}

interface WireAnswer {
  model?: string
  choices?: { index?: number; message?: WireMessage; delta?: WireMessage; usage?: WireUsage }[] | null
  usage?: WireUsage
  x_groq?: { usage?: WireUsage }
  error?: { message: string }
}

const thoughtsOf = ({ reasoning_content, reasoning, reasoning_details }: WireMessage): string =>
  reasoning_content || reasoning || (reasoning_details ?? []).map(({ text, summary }) => text ?? summary ?? '').join('')

/** A message as plain data: who, and each thing that was said, in order, texts of one kind joined. */
type Plain = readonly [role: string, ...said: readonly string[]]

function wrote(message: WireMessage): Plain {
  const content =
    typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : (message.content ?? [])
  const spoken = [
    ...said1('reasoning', thoughtsOf(message)),
    ...content.flatMap((part) => {
      if (part.type === 'thinking') return said1('reasoning', part.thinking?.map(({ text }) => text).join(''))
      if (part.type === 'image_url')
        return [`image ${bare(typeof part.image_url === 'string' ? part.image_url : part.image_url?.url)}`]
      if (part.type === 'input_audio') return [`audio ${part.input_audio?.data}`]
      if (part.type === 'file') return [`document ${bare(part.file?.file_data ?? part.file?.file_id)}`]
      return part.type === 'text' ? said1('text', part.text) : [`opaque ${JSON.stringify(part)}`]
    }),
    ...said1('refusal', message.refusal),
  ]
  const calls = (message.tool_calls ?? []).map(
    ({ id, function: f }) => `call ${id ?? ''} ${f?.name} ${f?.arguments ?? ''}`,
  )
  const result = message.role === 'tool' ? [`result of ${message.tool_call_id}`] : []
  return [message.role ?? 'user', ...result, ...joined(spoken), ...calls]
}

function said({ role, parts }: Message): Plain {
  return [role, ...joined(parts.flatMap(plain))]
}

function plain(part: Part): string[] {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return said1(part.kind, part.text)
    case 'image':
      return [`image ${mediaIn(part.source)}`]
    case 'audio':
      return [`audio ${mediaIn(part.source)}`]
    case 'document':
      return [`document ${mediaIn(part.source)}`]
    case 'tool-call':
      return [`call ${part.id} ${part.name} ${part.arguments}`]
    case 'tool-result':
      return [`result of ${part.callId}`, ...part.parts.flatMap(plain)]
    case 'opaque':
      return isThought(part.value) ? [] : [`opaque ${JSON.stringify(part.value)}`]
    // What a provider's own tools did stands beside the message.
    case 'server-tool':
      return []
    case 'video':
      return [`video ${mediaIn(part.source)}`]
  }
}

const isThought = (value: unknown): boolean => String((value as { type?: unknown }).type).startsWith('reasoning.')

/** What a data URL holds; anything else as it is. */
const bare = (url: string | undefined): string | undefined => url?.replace(/^data:[^,]*,/, '')

const mediaIn = (source: DocumentPart['source']): string => {
  switch (source.kind) {
    case 'data':
      return source.data
    case 'url':
      return source.url
    case 'file':
      return source.id
    case 'text':
      return source.text
    case 'parts':
      return source.parts.flatMap(plain).join(' ')
  }
}

const said1 = (kind: string, text: string | null | undefined): string[] => (text ? [`${kind} ${text}`] : [])

/** A stream has its text in pieces that a whole answer has in one. */
function joined(lines: readonly string[]): string[] {
  const out: string[] = []
  for (const line of lines) {
    const kind = line.split(' ', 1)[0] as string
    const before = out.at(-1)
    if ((kind === 'text' || kind === 'reasoning') && before?.startsWith(`${kind} `))
      out[out.length - 1] = before + line.slice(kind.length + 1)
    else out.push(line)
  }
  return out
}

const events = (stream: string): WireAnswer[] =>
  stream
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:') && !line.includes('[DONE]'))
    .map((line) => JSON.parse(line.slice(5)) as WireAnswer)

/** The answer that a stream adds up to. */
function fold(stream: string): WireAnswer {
  const whole: WireAnswer = {}
  const messages = new Map<number, WireMessage>()
  for (const event of events(stream)) {
    whole.model ||= event.model as string
    const usage = event.usage ?? event.choices?.[0]?.usage ?? event.x_groq?.usage
    if (usage) whole.usage = usage
    for (const { index = 0, delta } of event.choices ?? []) {
      const message = messages.get(index) ?? {
        role: 'assistant',
        content: [],
        reasoning: '',
        refusal: '',
        tool_calls: [],
      }
      messages.set(index, message)
      const content =
        typeof delta?.content === 'string' ? [{ type: 'text', text: delta.content }] : (delta?.content ?? [])
      ;(message.content as WirePart[]).push(...content)
      message.reasoning += thoughtsOf(delta ?? {})
      message.refusal += delta?.refusal ?? ''
      for (const piece of delta?.tool_calls ?? []) {
        const calls = message.tool_calls ?? []
        const known = calls.find((one) => (piece.id ? one.id === piece.id : one.index === piece.index))
        if (!known) calls.push(structuredClone(piece))
        else if (known.function)
          known.function.arguments = (known.function.arguments ?? '') + (piece.function?.arguments ?? '')
      }
    }
  }
  // Thinking that came as parts is spoken before the text, as whole answers have it.
  whole.choices = [...messages]
    .toSorted(([a], [b]) => a - b)
    .map(([index, message]) => ({ index, message: ordered(message) }))
  return whole
}

function ordered(message: WireMessage): WireMessage {
  const parts = message.content as WirePart[]
  const thought = parts
    .filter(({ type }) => type === 'thinking')
    .flatMap(({ thinking = [] }) => thinking.map(({ text }) => text))
  return {
    ...message,
    reasoning: message.reasoning + thought.join(''),
    content: parts.filter(({ type }) => type !== 'thinking'),
  }
}
