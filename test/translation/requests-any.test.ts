import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DialectName } from '../../src/dialects/index.ts'
import { seed } from '../recordings/matrix/any-input.ts'
import { sent, targetNames, targets } from './requests-targets.ts'

/** A few values of each kind, so that ids and roles meet and miss each other. */
const id = fc.constantFrom('1', '2', '', 'a.b:c')
const name = fc.constantFrom('look', 'ask')
const text = fc.constantFrom('x', 'y ', '', ' ')
const png = 'iVBORw0KGgoAAAANSUhEUgAA'
const args = fc.constantFrom({}, { a: 1 })

const list = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 4 })

function ofClaude(): fc.Arbitrary<object> {
  const said = text.map((words) => ({ type: 'text', text: words }))
  const picture = fc.constant({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } })
  const called = fc.record({ type: fc.constant('tool_use'), id, name, input: args })
  const thought = fc.record({ type: fc.constant('thinking'), thinking: text, signature: fc.constantFrom('EqSeal', '') })
  const result = fc.record({
    type: fc.constant('tool_result'),
    tool_use_id: id,
    content: fc.oneof(text, list(fc.oneof(said, picture))),
    is_error: fc.boolean(),
  })
  const message = fc.oneof(
    fc.record({ role: fc.constant('user'), content: fc.oneof(text, list(fc.oneof(said, picture, result))) }),
    fc.record({ role: fc.constant('assistant'), content: fc.oneof(text, list(fc.oneof(said, called, thought))) }),
  )
  return fc.record({
    model: fc.constant('a-model'),
    max_tokens: fc.constantFrom(100, 4000),
    messages: fc.array(message, { minLength: 1, maxLength: 6 }),
    thinking: fc.constantFrom(
      undefined,
      { type: 'enabled', budget_tokens: 2000 },
      { type: 'adaptive' },
      { type: 'disabled' },
    ),
    tools: fc.constantFrom(undefined, [], [{ name: 'look', input_schema: { type: 'object' } }]),
    tool_choice: fc.constantFrom(undefined, { type: 'auto' }, { type: 'any' }, { type: 'none' }),
  })
}

function ofGemini(): fc.Arbitrary<object> {
  const said = fc.record({ text }, { requiredKeys: [] })
  const thought = fc.record({ text, thought: fc.constant(true), thoughtSignature: fc.constantFrom('c2VhbA==', '') })
  const called = fc.record({
    functionCall: fc.record({ name, args, id }, { requiredKeys: ['name'] }),
    thoughtSignature: fc.constantFrom(undefined, 'c2VhbA=='),
  })
  const result = fc.record({ functionResponse: fc.record({ name, id, response: args }, { requiredKeys: ['name'] }) })
  const picture = fc.constant({ inlineData: { mimeType: 'image/png', data: png } })
  const content = fc.oneof(
    fc.record({ role: fc.constant('user'), parts: list(fc.oneof(said, result, picture)) }),
    fc.record({ role: fc.constant('model'), parts: list(fc.oneof(said, called, thought)) }),
  )
  return fc.record({
    contents: fc.array(content, { minLength: 1, maxLength: 6 }),
    tools: fc.constantFrom(undefined, [], [{ functionDeclarations: [{ name: 'look' }] }]),
    generationConfig: fc.constantFrom(undefined, {}, { stopSequences: [] }, { thinkingConfig: { thinkingBudget: -1 } }),
  })
}

function ofResponses(): fc.Arbitrary<object> {
  const role = fc.constantFrom('user', 'assistant', 'system', 'developer')
  const item = fc.oneof(
    fc.record({ role, content: text }),
    fc.record({ type: fc.constant('function_call'), call_id: id, name, arguments: fc.constantFrom('', '{}', '[') }),
    fc.record({ type: fc.constant('function_call_output'), call_id: id, output: text }),
    fc.record({
      type: fc.constant('reasoning'),
      id: fc.constantFrom('rs_1', 'rs_2'),
      summary: fc.constantFrom([], [{ type: 'summary_text', text: 'hm' }]),
      encrypted_content: fc.constantFrom('sealed', undefined),
    }),
  )
  return fc.record({
    model: fc.constant('a-model'),
    input: fc.array(item, { minLength: 1, maxLength: 7 }),
    instructions: fc.constantFrom(undefined, '', 'Be brief.'),
    reasoning: fc.constantFrom(undefined, { effort: 'none' }, { effort: 'high', summary: 'auto' }),
    tools: fc.constantFrom(undefined, [{ type: 'function', name: 'look', parameters: { type: 'object' } }]),
  })
}

const clients: readonly (readonly [DialectName, fc.Arbitrary<object>])[] = [
  ['anthropic-messages', ofClaude()],
  ['gemini', ofGemini()],
  ['openai-responses', ofResponses()],
]

test.each(clients)(
  'whatever a client of %s has in its conversation, no other provider has to refuse it',
  (from, body) => {
    fc.assert(
      fc.property(body, (request) => {
        for (const target of targetNames) {
          if (targets[target].dialect === from) continue
          const { broken, body: wire } = sent(from, JSON.parse(JSON.stringify(request)), target)
          expect(broken, `${target} ${JSON.stringify(wire)}`).toEqual([])
        }
      }),
      { seed, numRuns: 500 },
    )
  },
)
