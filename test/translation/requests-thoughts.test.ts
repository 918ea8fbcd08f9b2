import { describe, expect, test } from 'vitest'
import type { DialectName } from '../../src/dialects/index.ts'
import { sent, type TargetName, targetNames, targets, tool, type Wire } from './requests-targets.ts'

const owners: Readonly<Record<string, readonly TargetName[]>> = {
  anthropic: ['Claude 3.5', 'Claude 4.5', 'Claude 5', 'Bedrock Claude 4.5', 'Bedrock Claude 5'],
  gemini: ['Gemini 2.0', 'Gemini 2.5', 'Gemini 3', 'Gemma'],
  openai: ['Responses GPT-5.2'],
}

interface Past {
  readonly dialect: DialectName
  readonly by: string
  readonly seals: readonly string[]
  readonly body: object
}

const seal = (name: string): string => Buffer.from(`sealed ${name}`).toString('base64')
const sealA = seal('first')
const sealB = seal('second')
const sealC = seal('third')

/** A turn with thoughts, calls and their results, as the clients of each kind bring it back. */
const pasts: Readonly<Record<string, Past>> = {
  'of Claude, in clear, hidden and without words': {
    dialect: 'anthropic-messages',
    by: 'anthropic',
    seals: [sealA, sealB, sealC],
    body: {
      model: 'a-model',
      max_tokens: 4000,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: 'Look' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Let me see.', signature: sealA },
            { type: 'redacted_thinking', data: sealB },
            { type: 'thinking', thinking: '', signature: sealC },
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' }] },
      ],
    },
  },
  'of Gemini, on a call, a text and an empty text': {
    dialect: 'gemini',
    by: 'gemini',
    seals: [sealA, sealB, sealC],
    body: {
      tools: [{ functionDeclarations: [{ name: 'look' }] }],
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        {
          role: 'model',
          parts: [
            { text: 'Hello.', thoughtSignature: sealA },
            { text: '', thoughtSignature: sealB },
          ],
        },
        { role: 'user', parts: [{ text: 'Look' }] },
        {
          role: 'model',
          parts: [
            { functionCall: { name: 'look', args: {} }, thoughtSignature: sealC },
            { functionCall: { name: 'look', args: {} } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { name: 'look', response: { a: 1 } } },
            { functionResponse: { name: 'look', response: { a: 2 } } },
          ],
        },
      ],
    },
  },
  'of OpenAI, before a call': {
    dialect: 'openai-responses',
    by: 'openai',
    seals: [sealA],
    body: {
      model: 'a-model',
      store: false,
      tools: [{ type: 'function', name: 'look', parameters: { type: 'object', properties: {} }, strict: false }],
      input: [
        { role: 'user', content: 'Look' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'Let me see.' }],
          encrypted_content: sealA,
        },
        { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'x' },
      ],
    },
  },
  'of Claude, in the details of OpenRouter': {
    dialect: 'openai-chat',
    by: 'anthropic',
    seals: [sealA, sealB],
    body: {
      model: 'a-model',
      tools: [tool('look')],
      reasoning_effort: 'low',
      messages: [
        { role: 'user', content: 'Look' },
        {
          role: 'assistant',
          content: null,
          reasoning_details: [
            { type: 'reasoning.text', text: 'Let me see.', signature: sealA, format: 'anthropic-claude-v1', index: 0 },
            { type: 'reasoning.encrypted', data: sealB, format: 'anthropic-claude-v1', index: 1 },
          ],
          tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'look', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: 'x' },
      ],
    },
  },
  'of Gemini, where its own OpenAI endpoint has them': {
    dialect: 'openai-chat',
    by: 'gemini',
    seals: [sealA],
    body: {
      model: 'a-model',
      tools: [tool('look')],
      messages: [
        { role: 'user', content: 'Look' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'look', arguments: '{}' },
              extra_content: { google: { thought_signature: sealA } },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'x' },
      ],
    },
  },
}

/** Bedrock has hidden thoughts in another layer of base64. */
const placeOf = (one: string, written: string): number =>
  Math.max(written.indexOf(one), written.indexOf(Buffer.from(one).toString('base64')))

describe('sealed thoughts', () => {
  for (const [name, { dialect, by, seals, body }] of Object.entries(pasts)) {
    test(`${name}, go back to whom they belong, in their order, and to nobody else`, () => {
      for (const target of targetNames) {
        if (targets[target].dialect === 'openai-chat' && dialect === 'openai-chat') continue
        const { body: wire, broken } = sent(dialect, body, target)
        if (targets[target].dialect !== dialect || dialect !== 'gemini') expect(broken, target).toEqual([])
        const written = JSON.stringify(wire)
        const found = seals.filter((one) => placeOf(one, written) >= 0)
        expect(found, target).toEqual(owners[by]?.includes(target) ? seals : [])
        const places = found.map((one) => placeOf(one, written))
        expect(places, target).toEqual(places.toSorted((a, b) => a - b))
      }
    })
  }

  test('begin the turn of Claude to which they belong', () => {
    for (const past of ['of Claude, in clear, hidden and without words', 'of Claude, in the details of OpenRouter']) {
      const { dialect, body, seals } = pasts[past] as Past
      const claude = sent(dialect, body, 'Claude 4.5').body.messages[1].content
      expect(claude.slice(0, seals.length).map(({ signature, data }: Wire) => signature ?? data)).toEqual(seals)
      const bedrock = sent(dialect, body, 'Bedrock Claude 4.5').body.messages[1].content
      expect(bedrock.slice(0, seals.length).every(({ reasoningContent }: Wire) => reasoningContent)).toBe(true)
    }
  })

  test('stand directly before the call that they led to at OpenAI', () => {
    const { dialect, body } = pasts['of OpenAI, before a call'] as Past
    const { input } = sent(dialect, body, 'Responses GPT-5.2').body
    expect(input.map(({ type }: Wire) => type)).toEqual([
      undefined,
      'reasoning',
      'function_call',
      'function_call_output',
    ])
  })
})

test('thoughts that were shown come back to hosts that want them, whoever thought them', () => {
  for (const { dialect, body, by } of Object.values(pasts)) {
    if (by === 'gemini' || dialect === 'openai-chat') continue
    const { messages } = sent(dialect, body, 'DeepSeek').body
    const turn = messages.find(({ role }: Wire) => role === 'assistant')
    expect(turn.reasoning_content).toBe('Let me see.')
  }
})

test('a turn without thoughts, which somebody else wrote, makes no provider refuse the next', () => {
  const body = (pasts['of Gemini, where its own OpenAI endpoint has them'] as Past).body
  for (const effort of ['high', 'max', 'none'])
    for (const target of targetNames)
      expect(sent('openai-chat', { ...body, reasoning_effort: effort }, target).broken, target).toEqual([])
})
