/**
 * Every recorded chat completion goes through Trunkline over real sockets: the client gets the recorded bytes, and what is
 * stored of it is what was recorded. What the test expects it reads from the recordings itself, in its own words.
 */
import { afterAll, describe, expect, test } from 'vitest'
import type { DocumentPart, Message, Part } from '../../src/core/chat.ts'
import { inputTokens, outputTokens, type Usage } from '../../src/core/usage.ts'
import {
  type Exchange,
  type IndexRow,
  index,
  load,
  noRecordings,
  recordingsFolder,
  responseBytes,
} from '../support/recordings.ts'
import { startReplayUpstream } from '../support/replay-upstream.ts'
import { attemptsIn, callIn, startTest, type TestTrunkline } from '../support/trunkline.ts'

/** Providers that are reached in another way than base URL + /chat/completions with a Bearer key. */
const later: Readonly<Record<string, string>> = {
  azure: 'its own URLs and header: follows with its provider row',
  snowflake: 'its own URL and token: follows with its provider row',
  'bedrock-mantle': 'its own signature: follows with its provider row',
}

const path = '/chat/completions'
const here = recordingsFolder() !== undefined
const chats = here ? index().filter(({ api, status }) => api === 'openai.chat' && status < 400) : []
const taken = chats.filter(({ provider }) => !later[provider])

afterAll(() => {
  const leftOut = chats.filter(({ provider }) => later[provider])
  const reasons = Object.entries(later).map(([provider, reason]) => {
    const count = leftOut.filter((row) => row.provider === provider).length
    return `  ${provider}: ${count} left out: ${reason}`
  })
  console.log(`${taken.length} of ${chats.length} recorded chats went through.\n${reasons.join('\n')}`)
})

if (!here) test.skip(`recorded chats pass through: ${noRecordings}`, () => undefined)

describe.skipIf(!here)('recorded chats pass through', () => {
  const withRequest = Map.groupBy(
    taken.filter((row) => row.evidence !== 'response-only'),
    (row) => load(row.id).request.host + load(row.id).request.path,
  )
  for (const [place, rows] of withRequest) {
    test(`${rows.length} of ${place}`, async () => {
      await using upstream = await startReplayUpstream({ exchanges: rows.map(({ id }) => id) })
      await using trunkline = await startTest({
        settings: {
          'providers.custom.base_url': upstream.baseUrlFor(load((rows[0] as IndexRow).id), path),
        },
      })
      const served = new Set<string>()
      for (const { id } of rows) {
        const trace = await call(trunkline, load(id))
        // Of several answers to one request the upstream gives one after the other: whichever it was is what we expect.
        const given = upstream.seen.at(-1)?.recording as string
        expect(upstream.unmatched).toEqual([])
        served.add(given)
        await expectAsRecorded(trunkline, trace, load(given))
      }
      expect(served.size).toBe(rows.length)
    })
  }

  for (const row of taken.filter(({ evidence }) => evidence === 'response-only')) {
    test(`${row.id}, whose request was not kept`, async () => {
      const exchange = load(row.id)
      await using upstream = await startReplayUpstream({ exchanges: [row.id] })
      await using trunkline = await startTest({
        settings: { 'providers.custom.base_url': upstream.baseUrlFor(exchange, path, { byId: true }) },
      })
      await expectAsRecorded(trunkline, await call(trunkline, exchange), exchange)
    })
  }
})

interface Passed {
  readonly trace: string
  readonly bytes: Buffer
  readonly request: WireRequest
}

async function call(trunkline: TestTrunkline, exchange: Exchange): Promise<Passed> {
  const made = { model: exchange.model, stream: exchange.streaming, messages: [{ role: 'user', content: 'Hello' }] }
  const request = (exchange.request.body ?? made) as WireRequest
  const response = await fetch(`${trunkline.url}/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // The provider is named, since some hosts have models of their own that begin with `openai/`.
    body: JSON.stringify({ ...request, model: `custom/${request.model}` }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  expect([exchange.id, response.status]).toEqual([exchange.id, exchange.response.status])
  return { trace: response.headers.get('x-trace-id') as string, bytes, request }
}

async function expectAsRecorded(
  trunkline: TestTrunkline,
  { trace, bytes, request }: Passed,
  exchange: Exchange,
): Promise<void> {
  const recorded = responseBytes(exchange).toString()
  const edited = exchange.streaming && !request.stream_options?.include_usage ? withoutUsage(recorded) : recorded
  expect(bytes.toString(), exchange.id).toBe(edited)

  const answer = exchange.streaming ? fold(recorded) : (JSON.parse(recorded) as WireAnswer)
  const view = await trunkline.trace(trace)
  const { trace: summary } = view
  const { detail } = attemptsIn(view)[0] as ReturnType<typeof attemptsIn>[number]
  expect(detail.usageReported, exchange.id).toEqual(answer.usage)
  if (answer.usage) expectUsage(detail.usage ?? {}, answer.usage, exchange)
  expect([summary.inputTokens, summary.outputTokens], exchange.id).toEqual([
    detail.usage && inputTokens(detail.usage),
    detail.usage && outputTokens(detail.usage),
  ])
  expect(detail.modelAnswered ?? '', exchange.id).toBe(answer.model ?? '')

  const { conversation } = callIn(view)
  const error = exchange.streaming ? events(recorded).find((event) => event.error)?.error : undefined
  expect(conversation?.notes, exchange.id).toEqual(error ? [`The answer breaks off: ${error.message}`] : [])
  expect(conversation?.messages.map(said), exchange.id).toEqual((request.messages ?? []).map(wrote))
  const choices = (answer.choices ?? []).map(({ message }) => wrote({ role: 'assistant', ...message }))
  expect(
    conversation?.answer?.choices.map(({ message }) => said(message)),
    exchange.id,
  ).toEqual(choices)
}

function expectUsage(usage: Usage, wire: WireUsage, exchange: Exchange): void {
  const reasoning = wire.completion_tokens_details?.reasoning_tokens ?? wire.reasoning_tokens
  // xAI leaves reasoning out of its completion tokens, everybody else counts it in.
  const output = exchange.provider === 'xai' ? wire.completion_tokens + (reasoning ?? 0) : wire.completion_tokens
  // Mistral leaves audio out of its prompt tokens, everybody else counts it in.
  const audio = exchange.provider === 'mistral' ? (wire.prompt_tokens_details?.audio_tokens ?? 0) : 0
  expect(inputTokens(usage), exchange.id).toBe(wire.prompt_tokens + audio)
  expect(outputTokens(usage), exchange.id).toBe(output)
  const cached =
    wire.prompt_tokens_details?.cached_tokens ??
    wire.prompt_cache_hit_tokens ??
    wire.cached_tokens ??
    wire.num_cached_tokens
  expect(usage.cacheRead, exchange.id).toBe(cached ?? undefined)
  if (reasoning != null) expect(usage.reasoning, exchange.id).toBe(Math.min(reasoning, output))
}

interface WireUsage {
  prompt_tokens: number
  completion_tokens: number
  prompt_tokens_details?: { cached_tokens?: number; audio_tokens?: number } | null
  completion_tokens_details?: { reasoning_tokens?: number } | null
  prompt_cache_hit_tokens?: number
  cached_tokens?: number
  num_cached_tokens?: number
  reasoning_tokens?: number
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

/** The documented edit: a client that did not ask for usage gets the stream as it would be had nobody asked. */
const withoutUsage = (stream: string): string =>
  stream
    .split('\n\n')
    .filter((event) => !(event.includes('"choices":[]') && /"usage":\s*\{/.test(event)))
    .map((event) => event.replace(/,"usage":null|"usage":null,/, ''))
    .join('\n\n')
