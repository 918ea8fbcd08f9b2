import { describe, expect, test } from 'vitest'
import type { AnswerFacts } from '../core/answer.ts'
import type { ChatAnswer, ChatRequest } from '../core/chat.ts'
import { assemble, disassemble } from '../core/chat-events.ts'
import type { GatewayError } from '../core/error.ts'
import type { Sink } from '../core/source.ts'
import { runStep } from '../core/steps.ts'
import { inputTokens, outputTokens } from '../core/usage.ts'
import { anthropicMessages } from '../dialects/anthropic-messages/anthropic-messages.ts'
import type { AnswerContext, Dialect } from '../dialects/dialect.ts'
import { gemini } from '../dialects/gemini/gemini.ts'
import { isMadeCallId } from '../dialects/ids.ts'
import { openaiChat } from '../dialects/openai-chat/openai-chat.ts'
import { openaiResponses } from '../dialects/openai-responses/openai-responses.ts'
import { jsonArray } from '../http/json-array.ts'
import { Translation, type TranslationOptions } from './translation.ts'

const request: ChatRequest = {
  model: 'some',
  stream: true,
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }],
  tools: [],
  settings: { includeUsage: true },
}

function context(): AnswerContext {
  let ids = 0
  return { request, createdS: 1_790_000_000, newId: () => `made${++ids}` }
}

/** A translation with somebody at either end, and what happens to it. */
class Stage {
  readonly pieces: Buffer[] = []
  readonly answers: ChatAnswer[] = []
  readonly asked: string[] = []
  failure: GatewayError | undefined
  hasEnded = false
  takes = true
  readonly translation: Translation
  private sink: Sink | undefined

  constructor(options: Pick<TranslationOptions, 'from' | 'to'> & Partial<TranslationOptions>) {
    this.translation = new Translation({
      framing: options.to.framing,
      comesStreamed: true,
      goesStreamed: true,
      context: context(),
      toolNames: new Map(),
      seals: undefined,
      stop: (error) => {
        this.asked.push('stop')
        this.translation.watch.end(false)
        this.sink?.fail(error)
      },
      onAnswer: (answer) => this.answers.push(answer),
      ...options,
    })
    const source = {
      to: (sink: Sink) => {
        this.sink = sink
      },
      resume: () => void this.asked.push('resume'),
      cancel: () => void this.asked.push('cancel'),
    }
    this.translation.of(source).to({
      write: (chunk) => {
        this.pieces.push(chunk)
        return this.takes
      },
      end: () => {
        this.hasEnded = true
      },
      fail: (error) => {
        this.failure = error
      },
    })
  }

  /** What the provider sends: seen by the watch first, as it is on its way. */
  give(bytes: string | Buffer): boolean {
    const chunk = Buffer.from(bytes)
    this.translation.watch.next(chunk)
    return (this.sink as Sink).write(chunk)
  }

  end(): AnswerFacts {
    const facts = this.translation.watch.end()
    this.sink?.end()
    return facts
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString()
  }
}

/** The answer in a dialect's own bytes. */
function written(dialect: Dialect, answer: ChatAnswer, isStream: boolean): Buffer {
  if (!isStream) return Buffer.from(JSON.stringify(dialect.encodeAnswer(answer, context())))
  const frames = runStep(dialect.encodeStream(context()), [...disassemble(answer)])
  return Buffer.concat(frames.map((frame) => dialect.framing.write(frame)))
}

function read(dialect: Dialect, bytes: Buffer, isStream: boolean): ChatAnswer {
  if (!isStream) return dialect.decodeAnswer(JSON.parse(bytes.toString()))
  return assemble(runStep(dialect.decodeStream(), runStep(dialect.framing.split(), [bytes])))
}

/** What an answer says, whoever says it. */
function essence({ choices, usage = {} }: ChatAnswer): object {
  const [choice] = choices
  const parts = choice?.message.parts ?? []
  return {
    text: parts.map((part) => (part.kind === 'text' ? part.text : '')).join(''),
    calls: parts.flatMap((part) => (part.kind === 'tool-call' ? [[part.name, JSON.parse(part.arguments)]] : [])),
    finish: choice?.finish?.reason,
    input: inputTokens(usage),
    output: outputTokens(usage),
    cached: usage.cacheRead,
  }
}

const answer: ChatAnswer = {
  id: 'answer-1',
  model: 'some-model',
  choices: [
    {
      message: {
        role: 'assistant',
        parts: [
          { kind: 'text', text: 'I will look. 🦜 "quoted"\n' },
          { kind: 'tool-call', id: 'call_1', name: 'get_weather', arguments: '{"city":"Zürich","days":[1,2]}' },
          { kind: 'tool-call', id: 'call_2', name: 'get_time', arguments: '{}' },
        ],
      },
      finish: { reason: 'tool_calls' },
    },
  ],
  usage: { inputUncached: 11, cacheRead: 4, outputText: 7, reasoning: 3 },
}

const dialects = [openaiChat, openaiResponses, anthropicMessages, gemini]
const forms = [true, false]

describe.each(dialects)('what a provider of $name says', (from) => {
  test.each(dialects)('is heard by a client of $name, streamed or whole, whatever of it was asked for', (to) => {
    for (const comesStreamed of forms) {
      for (const goesStreamed of forms) {
        const stage = new Stage({ from, to, comesStreamed, goesStreamed })
        const bytes = written(from, answer, comesStreamed)
        for (let at = 0; at < bytes.length; at += 50) stage.give(bytes.subarray(at, at + 50))
        const facts = stage.end()
        expect([stage.hasEnded, stage.failure]).toEqual([true, undefined])
        const how = `${comesStreamed ? 'stream' : 'whole'} to ${goesStreamed ? 'stream' : 'whole'}`
        expect({ how, ...essence(read(to, Buffer.concat(stage.pieces), goesStreamed)) }).toEqual({
          how,
          ...essence(read(from, bytes, comesStreamed)),
        })
        expect(facts).toMatchObject({ model: 'some-model', finishReason: 'tool_calls' })
        expect([inputTokens(facts.usage ?? {}), outputTokens(facts.usage ?? {})]).toEqual([15, 10])
        expect(stage.answers.map(essence)).toEqual([essence(read(from, bytes, comesStreamed))])
      }
    }
  })

  test('comes out the same however the network cuts it', () => {
    const bytes = written(from, answer, true)
    const outcome = (size: number): string => {
      const stage = new Stage({ from, to: openaiChat })
      for (let at = 0; at < bytes.length; at += size) stage.give(bytes.subarray(at, at + size))
      stage.end()
      return stage.text
    }
    const whole = outcome(bytes.length)
    for (const size of [1, 2, 3, 7, 64, 1_000]) expect(outcome(size)).toBe(whole)
  })

  test('ends in an error where it is cut off, behind all that came before', () => {
    const bytes = written(
      from,
      { ...answer, choices: [{ message: { role: 'assistant', parts: [{ kind: 'text', text: 'It begins' }] } }] },
      true,
    )
    const stage = new Stage({ from, to: anthropicMessages })
    const begun = bytes.subarray(0, bytes.indexOf('It begins') + 200)
    stage.give(
      begun.subarray(
        0,
        begun.lastIndexOf('\n\n') < 0 ? begun.lastIndexOf('\r\n\r\n') + 4 : begun.lastIndexOf('\n\n') + 2,
      ),
    )
    const facts = stage.end()
    expect([stage.hasEnded, stage.failure?.code, facts.error?.code]).toEqual([false, 'upstream_cut', 'upstream_cut'])
    expect(stage.text).toContain('It begins')
    expect([stage.text.includes('message_stop'), stage.answers]).toEqual([false, []])
  })
})

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
const delta = (text: string): string =>
  event({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content: text } }] })
const refused = event({ error: { message: 'Too busy.', type: 'server_error', code: 'overloaded' } })

test('an error as the first event is no answer', () => {
  const stage = new Stage({ from: openaiChat, to: anthropicMessages })
  stage.give(refused)
  expect(stage.translation.watch.refusal?.message).toBe('Too busy.')
  expect([stage.translation.watch.hasBegun, stage.text, stage.failure?.message]).toEqual([false, '', 'Too busy.'])
})

test('an error in the middle comes behind what was said, and after it nothing', () => {
  const stage = new Stage({ from: openaiChat, to: anthropicMessages })
  stage.give(delta('Hello') + delta(', wor') + refused + delta('never'))
  expect(stage.text).toContain('Hello')
  expect(stage.text).toContain(', wor')
  expect([stage.translation.watch.refusal, stage.failure?.message]).toEqual([undefined, 'Too busy.'])
  const sofar = stage.text
  stage.give(delta('never'))
  expect(stage.end().error).toEqual({ code: 'overloaded', message: 'Too busy.' })
  expect([stage.text, stage.hasEnded, stage.answers]).toEqual([sofar, false, []])
})

test('an error within a stream is an error for a client that asked for a whole answer', () => {
  const stage = new Stage({ from: openaiChat, to: gemini, goesStreamed: false })
  stage.give(delta('Hello') + refused)
  expect([stage.text, stage.failure?.message]).toEqual(['', 'Too busy.'])
})

test.each([
  ['no JSON', '<html>Welcome</html>', 'upstream_invalid'],
  ['nothing at all', '', 'upstream_invalid'],
  ['an error under a good status', '{"error":{"message":"Too busy.","code":503}}', 'upstream_overloaded'],
])('a whole answer that is %s is none', (_, body, code) => {
  for (const goesStreamed of forms) {
    const stage = new Stage({ from: openaiChat, to: anthropicMessages, comesStreamed: false, goesStreamed })
    stage.give(body)
    stage.end()
    expect([stage.failure?.code, stage.translation.watch.refusal?.code, stage.text]).toEqual([code, code, ''])
  }
})

test('a call without an id gets one, the same for the client and for who remembers it', () => {
  for (const goesStreamed of forms) {
    const stage = new Stage({ from: gemini, to: openaiChat, comesStreamed: false, goesStreamed })
    const parts = ['add', 'add'].map((name) => ({ functionCall: { name, args: { a: 1 } } }))
    stage.give(JSON.stringify({ candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }] }))
    stage.end()
    const idsIn = ({ choices }: ChatAnswer): string[] =>
      choices.flatMap(({ message }) => message.parts.flatMap((part) => (part.kind === 'tool-call' ? [part.id] : [])))
    const seen = idsIn(read(openaiChat, Buffer.concat(stage.pieces), goesStreamed))
    expect([seen.every(isMadeCallId), new Set(seen).size]).toEqual([true, 2])
    expect(stage.answers.map(idsIn)).toEqual([seen])
  }
})

test('a tool is called by the name that the client has for it', () => {
  const toolNames = new Map([['get_weather', 'wetter.holen!']])
  for (const goesStreamed of forms) {
    const stage = new Stage({ from: openaiChat, to: openaiResponses, toolNames, goesStreamed })
    stage.give(written(openaiChat, answer, true))
    stage.end()
    const { choices } = read(openaiResponses, Buffer.concat(stage.pieces), goesStreamed)
    const names = choices[0]?.message.parts.flatMap((part) => (part.kind === 'tool-call' ? [part.name] : []))
    expect(names).toEqual(['wetter.holen!', 'get_time'])
  }
})

test.each([
  [openaiResponses, 'openai', 'openrouter'],
  [anthropicMessages, 'anthropic', 'anthropic'],
])('of the seals of another host in $name, those that look like OpenAI’s are its own', (from, by, owner) => {
  const parts = [{ kind: 'reasoning' as const, text: 'Hm.', seal: { by, value: 'sealed' } }]
  const sealed = {
    ...answer,
    choices: [{ message: { role: 'assistant' as const, parts }, finish: { reason: 'stop' as const } }],
  }
  for (const comesStreamed of forms) {
    const stage = new Stage({ from, to: openaiChat, comesStreamed, seals: 'openrouter' })
    stage.give(written(from, sealed, comesStreamed))
    stage.end()
    const seals = stage.answers[0]?.choices[0]?.message.parts.map((part) => 'seal' in part && part.seal)
    expect(seals).toEqual([{ by: owner, value: 'sealed' }])
  }
})

test('a client that cannot take more holds its provider back, until it can', () => {
  const stage = new Stage({ from: openaiChat, to: anthropicMessages })
  expect(stage.give(delta('One'))).toBe(true)
  stage.takes = false
  expect(stage.give(delta('Two'))).toBe(false)
  stage.translation.resume()
  stage.translation.cancel()
  expect(stage.asked).toEqual(['resume', 'cancel'])
})

test('chunks of which nothing comes for the client do not hold the provider back', () => {
  const stage = new Stage({ from: openaiChat, to: anthropicMessages })
  stage.takes = false
  expect(stage.give(': still here\n\n')).toBe(true)
  const whole = new Stage({ from: openaiChat, to: anthropicMessages, goesStreamed: false })
  whole.takes = false
  expect([whole.give(delta('One')), whole.pieces]).toEqual([true, []])
})

test('a connection that breaks ends the answer once', () => {
  const stage = new Stage({ from: openaiChat, to: anthropicMessages })
  stage.give(delta('One'))
  const broken = { code: 'upstream_cut' } as GatewayError
  stage.translation.fail(broken)
  stage.translation.fail({ code: 'internal' } as GatewayError)
  stage.translation.end()
  expect([stage.failure, stage.hasEnded, stage.answers]).toEqual([broken, false, []])
})

test('an answer of megabytes comes whole', () => {
  const text = 'Käse 🧀 '.repeat(200_000)
  const large = {
    ...answer,
    choices: [
      {
        message: { role: 'assistant' as const, parts: [{ kind: 'text' as const, text }] },
        finish: { reason: 'stop' as const },
      },
    ],
  }
  for (const comesStreamed of forms) {
    for (const goesStreamed of forms) {
      const stage = new Stage({ from: anthropicMessages, to: gemini, comesStreamed, goesStreamed })
      const bytes = written(anthropicMessages, large, comesStreamed)
      for (let at = 0; at < bytes.length; at += 65_536) stage.give(bytes.subarray(at, at + 65_536))
      stage.end()
      expect(essence(read(gemini, Buffer.concat(stage.pieces), goesStreamed))).toMatchObject({ text })
    }
  }
})

test('a client that wants one list gets one', () => {
  const stage = new Stage({ from: openaiChat, to: gemini, framing: jsonArray })
  stage.give(written(openaiChat, answer, true))
  stage.end()
  const list = JSON.parse(stage.text) as unknown[]
  expect(list.length).toBeGreaterThan(1)
  expect(
    essence(
      assemble(
        runStep(
          gemini.decodeStream(),
          list.map((data) => ({ data: JSON.stringify(data) })),
        ),
      ),
    ),
  ).toEqual(essence(answer))
})

test('what is known at once is told as it passes', () => {
  const { translation, give } = ((stage) => ({
    translation: stage.translation,
    give: (text: string) => stage.give(text),
  }))(new Stage({ from: openaiChat, to: anthropicMessages }))
  const { watch } = translation
  const known = (): boolean[] => [watch.hasBegun, watch.hasContent, watch.isDone]
  expect(known()).toEqual([false, false, false])
  give(': still here\n\n')
  expect(known()).toEqual([false, false, false])
  give(event({ id: 'c', model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }))
  expect(known()).toEqual([true, false, false])
  give(delta('Hello'))
  expect(known()).toEqual([true, true, false])
  give(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
  expect(known()).toEqual([true, true, false])
  give(event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }))
  expect(known()).toEqual([true, true, true])
})
