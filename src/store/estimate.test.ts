import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answerOf, openWriter, requestOf, type Writing } from '../../test/support/writing.ts'
import type { AttemptDetail, SpanRecord } from '../core/span.ts'
import { estimatedUsage } from './estimate.ts'

const detail: AttemptDetail = {
  number: 1,
  httpStatus: 200,
  provider: 'openai',
  dialect: 'openai-chat',
  model: 'some',
  streaming: false,
  requestBytes: 1,
  answerBytes: 1,
}

const estimate = (
  request: object,
  answer: object | string | undefined,
  more: Partial<AttemptDetail> = {},
): ReturnType<typeof estimatedUsage> =>
  estimatedUsage(
    { ...detail, ...more },
    Buffer.from(JSON.stringify(request)),
    answer === undefined ? undefined : Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)),
  )

const asked = { model: 'some', messages: [{ role: 'user', content: 'one two three' }] }
const said = (message: object): object => ({ choices: [{ message, finish_reason: 'stop' }] })
const chunk = (delta: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`

describe('what nobody reported is estimated', () => {
  test('by what was asked and what was answered', () => {
    expect(estimate(asked, said({ content: 'four five' }))).toEqual({ inputUncached: 3, outputText: 2 })
  })

  test('with thoughts apart from what is said, and calls as said', () => {
    expect(estimate(asked, said({ reasoning_content: 'hm hm hm', content: 'four' }))).toMatchObject({
      outputText: 1,
      reasoning: 3,
    })
    const call = { id: 'a', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }
    expect(estimate(asked, said({ content: null, tool_calls: [call] }))?.outputText).toBeGreaterThan(3)
  })

  test('with tools and what came of them, and without pictures', () => {
    const tool = {
      type: 'function',
      function: { name: 'add', description: 'Adds two numbers.', parameters: { type: 'object' } },
    }
    const withTool = estimate({ ...asked, tools: [tool] }, undefined)?.inputUncached ?? 0
    expect(withTool).toBeGreaterThan(8)
    const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(10_000)}` } }
    const content = [{ type: 'text', text: 'one two three' }, picture]
    expect(estimate({ ...asked, messages: [{ role: 'user', content }] }, undefined)?.inputUncached).toBeLessThan(6)
  })

  test('as far as a stream came, broken frames or not', () => {
    const stream = chunk({ content: 'four' }) + chunk({ content: ' five' })
    for (const end of ['', 'data: {"choices":[{"del', 'data: no JSON\n\n', 'data: {"error":{"message":"x"}}\n\n'])
      expect(estimate(asked, stream + end, { streaming: true })).toEqual({ inputUncached: 3, outputText: 2 })
  })

  test('as nothing where nothing was said', () => {
    expect(estimate(asked, undefined)).toEqual({ inputUncached: 3, outputText: 0 })
    expect(estimate(asked, '', { streaming: true })).toEqual({ inputUncached: 3, outputText: 0 })
  })

  test('in the words of the client for what was asked, and of the provider for what was answered', () => {
    const request = { contents: [{ role: 'user', parts: [{ text: 'one two three' }] }] }
    const answer = {
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'four five' }],
      stop_reason: 'end_turn',
    }
    expect(estimate(request, answer, { callDialect: 'gemini', dialect: 'anthropic-messages' })).toEqual({
      inputUncached: 3,
      outputText: 2,
    })
  })

  test('never in a dialect that nobody knows', () => {
    expect(estimate(asked, undefined, { dialect: 'klingon' })).toBeUndefined()
    expect(estimate(asked, undefined, { callDialect: 'constructor' })).toBeUndefined()
  })
})

describe('in the ledger and in the trace', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const request = requestOf('one two three')

  /** One call whose answer said nothing of its usage. */
  function call(
    one: Writing,
    answer: string,
    { span = {}, ...more }: Partial<AttemptDetail> & { span?: Partial<SpanRecord> } = {},
    text = request,
  ): void {
    one.body(1, 0, text)
    if (answer !== '') one.body(1, 1, answer)
    one.attempt(1, { answerBytes: Buffer.byteLength(answer), usageMissing: 'not reported', ...more }, span)
    one.end(1, { requestBytes: Buffer.byteLength(text) }, span)
    one.slabs.send(1)
  }

  test('it is marked as an estimate, and why stays beside it', async () => {
    await using one = await openWriter()
    call(one, answerOf('four five'))
    const view = await one.shown(1)
    expect(view?.trace).toMatchObject({ inputTokens: 3, outputTokens: 2 })
    expect(view?.spans).toMatchObject([
      { kind: 'call', detail: { usage: { inputUncached: 3, outputText: 2 }, usageEstimated: true } },
      { kind: 'attempt', detail: { usage: { inputUncached: 3, outputText: 2 }, usageMissing: 'not reported' } },
    ])
    expect(one.rows('ledger', 'select input_uncached, output_text, usage_missing from ledger')).toEqual([
      { input_uncached: 3, output_text: 2, usage_missing: 'not reported' },
    ])
  })

  test('what was reported stands, and is no estimate', async () => {
    await using one = await openWriter()
    call(one, answerOf('four five'), { usage: { inputUncached: 100, outputText: 200 }, usageMissing: undefined })
    const [spoken, attempt] = (await one.shown(1))?.spans ?? []
    expect(attempt?.detail).toMatchObject({ usage: { inputUncached: 100, outputText: 200 } })
    expect(spoken?.detail).not.toHaveProperty('usageEstimated')
    expect(one.rows('ledger', 'select usage_missing from ledger')).toEqual([{ usage_missing: null }])
  })

  test('an attempt that failed before it said anything used nothing that anybody knows of', async () => {
    for (const answer of ['', 'data: {"error":{"message":"Too busy."}}\n\n']) {
      await using one = await openWriter()
      call(one, answer, { streaming: true, usageMissing: 'failed', span: { status: 'error' } })
      expect((await one.shown(1))?.spans[1]?.detail).not.toHaveProperty('usage')
    }
  })

  test('a refusal under a bad status has used nothing', async () => {
    await using one = await openWriter()
    call(one, '{"error":{"message":"No."}}', { httpStatus: 429, usageMissing: 'failed', span: { status: 'error' } })
    expect((await one.shown(1))?.spans[1]?.detail).not.toHaveProperty('usage')
  })

  test('an attempt that failed in the middle, or whose client left, has used what was said until then', async () => {
    await using one = await openWriter()
    call(one, chunk({ content: 'four' }), { streaming: true, usageMissing: 'failed', span: { status: 'error' } })
    expect((await one.shown(1))?.spans[1]?.detail).toMatchObject({ usage: { inputUncached: 3, outputText: 1 } })
    await using other = await openWriter()
    call(other, '', { streaming: true, usageMissing: 'cancelled', span: { status: 'cancelled' } })
    expect((await other.shown(1))?.spans[1]?.detail).toMatchObject({ usage: { inputUncached: 3, outputText: 0 } })
  })

  test('a call that was translated is read on either side in its own words', async () => {
    await using one = await openWriter()
    const text = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'one two three' }] }] })
    call(one, answerOf('four five'), { callDialect: 'gemini' }, text)
    expect((await one.shown(1))?.spans[1]?.detail).toMatchObject({ usage: { inputUncached: 3, outputText: 2 } })
  })

  test('a call that began long ago, whose request is in a block already, is read from there', async () => {
    await using one = await openWriter()
    one.body(1, 0, request)
    one.begin(1, { requestBytes: Buffer.byteLength(request) })
    one.slabs.send(1)
    await vi.advanceTimersByTimeAsync(200)
    one.body(1, 1, answerOf('four five'))
    one.attempt(1, { answerBytes: Buffer.byteLength(answerOf('four five')), usageMissing: 'not reported' })
    one.end(1, { requestBytes: Buffer.byteLength(request) }, { begun: true })
    one.slabs.send(2)
    const view = await one.shown(1)
    expect(view?.trace).toMatchObject({ inputTokens: 3, outputTokens: 2 })
    expect(view?.spans).toMatchObject([
      { detail: { usageEstimated: true } },
      { detail: { usage: { inputUncached: 3, outputText: 2 } } },
    ])
  })

  test('a stream of which only the beginning was kept, or nothing, is not guessed at', async () => {
    const stream = chunk({ content: 'four' }) + chunk({ content: ' five' })
    await using one = await openWriter({ recording: { bodyBytes: Math.max(request.length, stream.length - 30) } })
    call(one, stream, { streaming: true })
    expect((await one.shown(1))?.spans[1]?.detail).not.toHaveProperty('usage')
    await using other = await openWriter()
    call(other, '', { streaming: true, answerBytes: 1_000 })
    expect((await other.shown(1))?.spans[1]?.detail).not.toHaveProperty('usage')
  })

  test('a body of which only the beginning was kept is not guessed at', async () => {
    await using one = await openWriter({ recording: { bodyBytes: 40 } })
    call(one, answerOf('four five'), {}, requestOf('one two three '.repeat(10)))
    expect((await one.shown(1))?.spans[1]?.detail).not.toHaveProperty('usage')
  })
})
