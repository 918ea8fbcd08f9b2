/** Every recorded exchange with Claude, at home, on Vertex and by Bedrock's invoke: what was decoded encodes to the same. */
import { describe, expect, test } from 'vitest'
import {
  type Exchange,
  index,
  load,
  noRecordings,
  recordingsFolder,
  responseChunks,
} from '../../../test/support/recordings.ts'
import type { ChatAnswer, ChatEvent } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { sse } from '../../http/sse.ts'
import type { AnswerContext } from '../dialect.ts'
import { anthropicMessages as dialect } from './anthropic-messages.ts'
import { countTokensRequest, encodeTokenCount, readTokenCount } from './count-tokens.ts'

const here = recordingsFolder() !== undefined
const claude = (exchange: Exchange): boolean =>
  !exchange.api.startsWith('bedrock') || exchange.request.body?.anthropic_version !== undefined
const apis = [
  'anthropic.messages',
  'anthropic.count_tokens',
  'vertex.anthropic',
  'bedrock.invoke',
  'bedrock.invoke-stream',
]
const all = here
  ? index()
      .filter(({ api }) => apis.includes(api))
      .map(({ id }) => load(id))
      .filter(claude)
  : []
const good = all.filter(({ response }) => response.status < 400)

if (!here) test.skip(`recorded messages: ${noRecordings}`, () => undefined)

type Json = unknown
type Fields = Readonly<Record<string, Json>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * What is the same to Claude: a text and a list of one, turns of one role in a row, `null` and nothing, a result without
 * content, and a text that is nothing.
 */
function same(value: Json): Json {
  if (Array.isArray(value)) return value.map(same)
  if (!isFields(value)) return value
  const out: Record<string, Json> = {}
  for (const [name, inner] of Object.entries(value)) if (inner !== null) out[name] = same(inner)
  if (typeof out.content === 'string') out.content = [{ type: 'text', text: out.content }]
  if (out.citations && Array.isArray(out.citations) && out.citations.length === 0) delete out.citations
  return out
}

function sameRequest(body: Fields): Json {
  const { system, messages, stream, anthropic_version: _, ...rest } = same(body) as Record<string, Json>
  const joined: { role: Json; content: Json[] }[] = []
  for (const { role, content } of messages as { role: Json; content: Json[] }[]) {
    const last = joined.at(-1)
    if (last && last.role === role) last.content.push(...content)
    else joined.push({ role, content: [...content] })
  }
  return {
    ...rest,
    messages: joined,
    ...(system !== undefined && { system: typeof system === 'string' ? [{ type: 'text', text: system }] : system }),
    stream: stream ?? false,
  }
}

const versionOf = ({ request }: Exchange): { bodyVersion: string } | object => {
  const version = request.body?.anthropic_version
  return typeof version === 'string' ? { bodyVersion: version } : {}
}

const context = (exchange: Exchange): AnswerContext => ({
  request: { model: exchange.model ?? '', stream: exchange.streaming, messages: [], tools: [], settings: {} },
  createdS: 1,
  newId: () => 'made',
})

function framesOf(exchange: Exchange): readonly Frame[] {
  const { response } = exchange
  if ('events' in response)
    return response.events.map(({ payload }) => ({
      data: Buffer.from(String(payload.bytes), 'base64').toString('utf8'),
    }))
  return runStep(sse.split(), responseChunks(exchange))
}

const decoded = (frames: Iterable<Frame>): readonly ChatEvent[] => runStep(dialect.decodeStream(), frames)
const encoded = (events: Iterable<ChatEvent>, exchange: Exchange): readonly Frame[] =>
  runStep(dialect.encodeStream(context(exchange)), events)

/** Arguments as JSON: the blanks that a model writes between are not what a whole answer shows. */
function read(answer: ChatAnswer): ChatAnswer {
  return {
    ...answer,
    choices: answer.choices.map((choice) => ({
      ...choice,
      message: {
        ...choice.message,
        parts: choice.message.parts.map((part) =>
          part.kind === 'tool-call' ? { ...part, arguments: JSON.stringify(JSON.parse(part.arguments || '{}')) } : part,
        ),
      },
    })),
  }
}

/** The message that a stream tells, put together by the wire's own rules. */
function folded(frames: readonly Frame[]): Fields {
  let message: Record<string, Json> = {}
  const content: Record<string, Json>[] = []
  const inputs = new Map<number, string>()
  for (const { data } of frames) {
    const event = JSON.parse(data) as Record<string, unknown>
    const index = event.index as number
    const block = content[index] as Record<string, Json>
    switch (event.type as string) {
      case 'message_start':
        message = { ...(event.message as Fields) }
        break
      case 'content_block_start':
        content[index] = { ...(event.content_block as Fields) }
        break
      case 'content_block_delta': {
        const delta = event.delta as Record<string, string>
        if (delta.type === 'text_delta') block.text = `${block.text}${delta.text}`
        if (delta.type === 'thinking_delta') block.thinking = `${block.thinking}${delta.thinking}`
        if (delta.type === 'signature_delta') block.signature = delta.signature
        if (delta.type === 'input_json_delta') inputs.set(index, (inputs.get(index) ?? '') + delta.partial_json)
        if (delta.type === 'citations_delta') block.citations = [...((block.citations as Json[]) ?? []), delta.citation]
        break
      }
      case 'content_block_stop':
        if (inputs.get(index)) block.input = JSON.parse(inputs.get(index) as string)
        break
      case 'message_delta': {
        const { type: _, delta, usage, ...rest } = event as Fields
        const known = Object.fromEntries(Object.entries((usage ?? {}) as Fields).filter(([, value]) => value !== null))
        message = { ...message, ...(delta as Fields), ...rest, usage: { ...(message.usage as Fields), ...known } }
      }
    }
  }
  return { ...message, content: content.filter((block) => block !== undefined) }
}

describe.skipIf(!here)('recorded messages', () => {
  test('there are some of each kind', () => {
    expect(all.length).toBeGreaterThan(150)
  })

  for (const exchange of all.filter(({ request }) => request.body)) {
    const body = exchange.request.body as Fields
    test(`the request of ${exchange.id} is the same again`, () => {
      const request = dialect.decodeRequest(body, { model: exchange.model ?? '', stream: exchange.streaming })
      if (exchange.api === 'anthropic.count_tokens') {
        const { body: counted, dropped } = countTokensRequest(request, {})
        expect(dropped).toEqual([])
        expect(sameRequest(counted)).toEqual(sameRequest(body))
        return
      }
      const { body: again, dropped } = dialect.encodeRequest(request, versionOf(exchange))
      expect(dropped).toEqual([])
      expect(sameRequest(again)).toEqual(sameRequest(body))
    })
  }

  for (const exchange of good.filter(({ api, streaming }) => !streaming && api !== 'anthropic.count_tokens')) {
    const { body } = exchange.response as { body: Fields }
    test(`the answer of ${exchange.id} is the same again`, () => {
      const answer = dialect.decodeAnswer(body)
      expect(same(dialect.encodeAnswer(answer, context(exchange)))).toEqual(same(body))
      const streamed = folded(encoded(disassemble(answer), exchange))
      expect(same(streamed)).toEqual(same(body))
      expect(read(assemble(decoded(encoded(disassemble(answer), exchange))))).toEqual(read(answer))
    })
  }

  for (const exchange of good.filter(({ streaming, id }) => streaming && !/error-mid|cut-off/.test(id))) {
    test(`the stream of ${exchange.id} is the same again, and says what a whole answer says`, () => {
      const frames = framesOf(exchange)
      const events = decoded(frames)
      const again = encoded(events, exchange)
      expect(same(folded(again))).toEqual(same(folded(frames)))
      const answer = assemble(events)
      expect(assemble(decoded(again))).toEqual(answer)
      const whole = dialect.decodeAnswer(folded(frames))
      expect(read(answer)).toEqual(read(whole))
      const facts = dialect.readAnswer(Buffer.concat(frames.map(sse.write)), true)
      expect(facts.usage).toEqual(whole.usage)
      expect(facts.finishReason).toEqual(whole.choices[0]?.finish?.reason)
      expect(facts.model).toEqual(whole.model)
    })
  }

  for (const exchange of good.filter(({ id }) => /error-mid|cut-off/.test(id))) {
    test(`the stream of ${exchange.id} ends with an error`, () => {
      expect(() => decoded(framesOf(exchange))).toThrow(GatewayError)
    })
  }

  for (const exchange of all.filter(({ response, api }) => response.status >= 400 && !api.startsWith('bedrock'))) {
    test(`the error of ${exchange.id} is told again`, () => {
      const { response } = exchange
      const bytes = Buffer.concat([...responseChunks(exchange)])
      const { error, asItCame } = dialect.readError(response.status, bytes)
      expect(error.status).toBe(response.status)
      expect(asItCame).toBe(true)
      const { type, message } = (JSON.parse(bytes.toString()) as { error: Record<string, string> }).error
      expect(JSON.parse(dialect.encodeError(error))).toEqual({ type: 'error', error: { type, message } })
    })
  }

  test('counts of tokens are read and told', () => {
    const counts = good.filter(({ api }) => api === 'anthropic.count_tokens')
    expect(counts.length).toBeGreaterThan(3)
    for (const { response } of counts) {
      const { body } = response as { body: Fields }
      expect(encodeTokenCount(readTokenCount(body) as number)).toEqual({ input_tokens: body.input_tokens })
    }
  })
})
