import { describe, expect, test } from 'vitest'
import { readFrame, readWhole } from './frame-facts.ts'

const factsOf = (chunk: unknown, event?: string) =>
  readFrame({ data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk), ...(event !== undefined && { event }) })

describe('what a frame says at once', () => {
  test.each<[what: string, delta: object, says: boolean]>([
    ['a role', { role: 'assistant', content: '' }, false],
    ['nothing', { content: null, tool_calls: [] }, false],
    ['a text', { content: 'a' }, true],
    ['thoughts', { reasoning: 'a' }, true],
    ['thoughts in entries', { reasoning_details: [{ type: 'reasoning.encrypted' }] }, true],
    ['a call', { tool_calls: [{}] }, true],
    ['speech', { audio: { id: 'a' } }, true],
  ])('%s', (_what, delta, says) => {
    expect(factsOf({ choices: [{ index: 0, delta }] })?.hasContent).toBe(says)
  })

  test('its model, why it ended, what it cost', () => {
    const usage = { prompt_tokens: 2, completion_tokens: 1 }
    const chunk = { model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'eos' }], x_groq: { usage } }
    expect(factsOf(chunk)).toMatchObject({
      model: 'm',
      finishReason: 'stop',
      usage: { inputUncached: 2, outputText: 1 },
      usageReported: usage,
    })
    expect(readWhole({ ...chunk, model: '' })).toEqual({
      finishReason: 'stop',
      usage: { inputUncached: 2, outputText: 1 },
      usageReported: usage,
    })
  })

  test('that it is the last, or an error, or cannot be read', () => {
    expect(factsOf(' [DONE] ')).toEqual({ isDone: true })
    expect(factsOf({ error: { message: 'No.', code: 'rate_limit_exceeded' } })?.error).toMatchObject({
      code: 'rate_limited',
    })
    expect(factsOf({ message: 'No.', code: 503 }, 'error')?.error).toMatchObject({ code: 'upstream_overloaded' })
    for (const data of ['', '{', 'null', '[]', '3']) expect(factsOf(data)).toBeUndefined()
    for (const chunk of [{ choices: 3 }, { choices: [null] }, { model: 3 }]) expect(factsOf(chunk)).toBeDefined()
  })
})
