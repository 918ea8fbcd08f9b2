/**
 * Linear time is what the time limit of each test allows: with a quadratic step, or one that goes back for every event,
 * these take minutes.
 */
import { describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatRequest, Message } from '../../../src/core/chat.ts'
import { assemble, disassemble } from '../../../src/core/chat-events.ts'
import { runStep } from '../../../src/core/steps.ts'
import { asked, attempt, bare, speakers, words } from './any-input.ts'
import { contextOf } from './translate.ts'

describe('large inputs take no more than their size', () => {
  const turns = 10_000
  const conversation: readonly Message[] = Array.from({ length: turns }, (_, turn): readonly Message[] => [
    { role: 'user', parts: [{ kind: 'text', text: `question ${turn}` }] },
    {
      role: 'assistant',
      parts: [{ kind: 'tool-call', id: `call_${turn}`, name: 'look', arguments: `{"turn":${turn}}` }],
    },
    {
      role: 'tool',
      parts: [{ kind: 'tool-result', callId: `call_${turn}`, name: 'look', parts: [{ kind: 'text', text: 'found' }] }],
    },
    { role: 'assistant', parts: [{ kind: 'text', text: `answer ${turn}` }] },
  ]).flat()
  const many: ChatRequest = {
    model: 'a-model',
    stream: false,
    messages: [...conversation, { role: 'user', parts: [{ kind: 'text', text: 'and now?' }] }],
    tools: Array.from({ length: 2000 }, (_, place) => ({
      kind: 'function',
      name: `tool_${place}`,
      schema: { type: 'object' },
    })),
    settings: { maxTokens: 1000 },
  }
  const parts = 20_000
  const answer: ChatAnswer = {
    id: 'an-answer',
    model: 'a-model',
    choices: [
      {
        finish: { reason: 'tool_calls' },
        message: {
          role: 'assistant',
          parts: Array.from({ length: parts }, (_, place) =>
            place % 2 === 0
              ? {
                  kind: 'text',
                  text: `sentence ${place} `,
                  citations: [{ url: `https://example.com/${place}`, start: 0, end: 8, dialect: 'gemini', value: {} }],
                }
              : { kind: 'tool-call', id: `call_${place}`, name: 'look', arguments: '{}' },
          ),
        },
      },
    ],
  }

  for (const [name, speaker] of speakers) {
    test(`${name}: a conversation of ${turns} turns`, { timeout: 20_000 }, () => {
      const { body } = speaker.encodeRequest(many, {})
      expect(speaker.decodeRequest(JSON.parse(JSON.stringify(body)), asked).messages.length).toBeGreaterThan(turns)
    })

    test(`${name}: an answer of ${parts} parts`, { timeout: 20_000 }, () => {
      const body = speaker.encodeAnswer(answer, contextOf(bare))
      expect(speaker.decodeAnswer(JSON.parse(JSON.stringify(body))).choices).toHaveLength(1)
      const frames = runStep(speaker.encodeStream(contextOf(bare)), disassemble(answer))
      expect(assemble(runStep(speaker.decodeStream(), frames)).choices).toHaveLength(1)
    })

    test(`${name}: what is nested a thousand deep`, () => {
      const deep = JSON.parse(`${'{"a":['.repeat(1000)}${']}'.repeat(1000)}`)
      for (const field of words) {
        attempt(() => speaker.decodeAnswer({ [field]: deep }))
        attempt(() =>
          speaker.decodeRequest(
            { messages: [{ role: 'user', content: 'Hello', [field]: deep }], [field]: deep },
            asked,
          ),
        )
      }
      const tool = { kind: 'function' as const, name: 'look', schema: { type: 'object', properties: { a: deep } } }
      attempt(() =>
        JSON.stringify(speaker.encodeRequest({ ...many, messages: conversation.slice(0, 4), tools: [tool] }, {})),
      )
    })
  }
})
