import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seed } from '../recordings/matrix/any-input.ts'
import { calls, chat, result, said, sent, targetNames, tool } from './requests-targets.ts'

const hi = said('user', 'Hi')
const tools = [tool('look'), tool('ask')]
const blanks: readonly unknown[] = [
  null,
  '',
  [],
  [{ type: 'text', text: '' }],
  ' \n',
  [{ type: 'text', text: '\t' }],
  undefined,
]
const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const

/** Conversations as clients really have them, each of which some provider refuses as it is. */
const conversations: Readonly<Record<string, object>> = {
  'two messages of the user in a row': chat([said('user', 'a'), said('user', 'b')]),
  'two of the assistant in a row': chat([hi, said('assistant', 'a'), said('assistant', 'b'), said('user', 'c')]),
  'instructions alone': chat([said('system', 'Be brief.')]),
  'several instructions, one in the middle and one at the end': chat([
    said('system', 'a'),
    said('developer', 'b'),
    hi,
    said('system', 'c'),
    said('assistant', 'd'),
    said('system', 'e'),
  ]),
  'instructions between calls and their results': chat(
    [hi, calls(['1', 'look']), said('system', 'hurry'), result('1', 'x'), said('user', 'and?')],
    { tools },
  ),
  'an assistant that begins': chat([said('assistant', 'Hello!'), hi]),
  'an assistant that ends, with a blank': chat([hi, said('assistant', 'The answer is ')]),
  'an assistant alone': chat([said('assistant', 'Hello!')]),
  'results in another order': chat(
    [hi, calls(['1', 'look'], ['2', 'ask']), result('2', 'b'), result('1', 'a'), said('user', 'so?')],
    { tools },
  ),
  'a call without its result': chat([hi, calls(['1', 'look'], ['2', 'ask']), result('1', 'a'), said('user', 'so?')], {
    tools,
  }),
  'calls without any result, at the end': chat([hi, calls(['1', 'look'])], { tools }),
  'calls without any result, and the assistant goes on': chat([hi, calls(['1', 'look']), said('assistant', 'no'), hi], {
    tools,
  }),
  'a result without its call': chat([result('9', 'old'), hi], { tools }),
  'a result twice': chat([hi, calls(['1', 'look']), result('1', 'a'), result('1', 'b'), hi], { tools }),
  'a result only after the user spoke': chat([hi, calls(['1', 'look']), said('user', 'wait'), result('1', 'a')], {
    tools,
  }),
  'a result only after the assistant spoke': chat(
    [hi, calls(['1', 'look']), said('assistant', 'wait'), result('1', 'a')],
    { tools },
  ),
  'the same id in two turns': chat(
    [hi, calls(['1', 'look']), result('1', 'a'), calls(['1', 'ask']), result('1', 'b'), said('user', 'so?')],
    { tools },
  ),
  'the same id twice in a turn': chat([hi, calls(['1', 'look'], ['1', 'ask']), result('1', 'a'), result('1', 'b')], {
    tools,
  }),
  'ids that are empty': chat([hi, calls(['', 'look'], ['', 'ask']), result('', 'a'), result('', 'b')], { tools }),
  'ids with dots, colons and bars, and very long ones': chat(
    [
      hi,
      calls(['functions.look:0', 'look'], [`call_1|fc_${'x'.repeat(90)}`, 'ask']),
      result('functions.look:0', 'a'),
      result(`call_1|fc_${'x'.repeat(90)}`, 'b'),
    ],
    { tools },
  ),
  'arguments of all kinds': chat(
    [
      hi,
      calls(
        ['1', 'look', ''],
        ['2', 'look', '[1]'],
        ['3', 'look', '{"a":'],
        ['4', 'look', 'null'],
        ['5', 'look', '{"a":"\\ud83d"}'],
        ['6', 'look', ' '],
      ),
      ...['1', '2', '3', '4', '5', '6'].map((id) => result(id, id)),
    ],
    { tools },
  ),
  'tools that are not offered any more': chat([hi, calls(['1', 'look']), result('1', 'a'), hi]),
  'tools that may not be called any more': chat([hi, calls(['1', 'look']), result('1', 'a'), hi], {
    tools,
    tool_choice: 'none',
  }),
  'names of tools that are not allowed': chat(
    [hi, calls(['1', 'files.read/all'], ['2', 'x'.repeat(80)]), result('1', 'a'), result('2', 'a')],
    {
      tools: [tool('files.read/all'), tool('x'.repeat(80)), tool('1st')],
      tool_choice: { type: 'function', function: { name: 'files.read/all' } },
    },
  ),
  'functions of the time before tools': chat(
    [
      hi,
      { role: 'assistant', content: null, function_call: { name: 'look', arguments: '{}' } },
      { role: 'function', name: 'look', content: 'x' },
    ],
    { functions: [{ name: 'look' }], function_call: 'auto' },
  ),
  'text beside calls, and a result that is empty': chat(
    [
      hi,
      { ...calls(['1', 'look']), content: 'I look.' },
      result('1', ''),
      { ...calls(['2', 'look']), content: [] },
      result('2', []),
    ],
    { tools },
  ),
  'a refusal': chat([hi, { role: 'assistant', content: null, refusal: 'No.' }, said('user', 'why?')]),
  'half an emoji, U+2028 and NUL': chat([said('user', 'a\ud83d b\u2028c\u0000d')]),
  ...Object.fromEntries(
    roles.flatMap((role) =>
      blanks.map((content) => [
        `${role === 'assistant' || role === 'user' ? 'the ' : 'a '}${role} that says ${JSON.stringify(content) ?? 'nothing'}`,
        role === 'tool'
          ? chat([hi, calls(['1', 'look']), result('1', content)], { tools })
          : chat([
              hi,
              said('assistant', 'b'),
              { role, content },
              said(role === 'user' ? 'assistant' : 'user', 'd'),
              hi,
            ]),
      ]),
    ),
  ),
  ...Object.fromEntries(
    roles
      .filter((role) => role !== 'tool')
      .map((role) => [`nothing but a ${role} who says nothing`, chat([said(role, '')])]),
  ),
}

describe('every provider takes', () => {
  for (const [name, body] of Object.entries(conversations)) {
    test(name, () => {
      expect(
        targetNames.flatMap((target) => sent('openai-chat', body, target).broken.map((rule) => `${target}: ${rule}`)),
      ).toEqual([])
    })
  }
})

/** Whatever order and ids messages have, with a small choice of each so that they meet. */
const someId = fc.constantFrom('1', '2', '', 'a.b:c')
const someContent = fc.constantFrom<unknown>('x', 'y ', '', ' ', null, [{ type: 'text', text: 'z' }], [])
const someMessage = fc.oneof(
  fc.record({ role: fc.constantFrom('system', 'user', 'assistant', 'developer'), content: someContent }),
  fc
    .tuple(
      someContent,
      fc.array(fc.tuple(someId, fc.constantFrom('look', 'ask'), fc.constantFrom('', '{}', '[', '{"a":1}')), {
        maxLength: 3,
      }),
    )
    .map(([content, asked]) => ({ ...calls(...asked), content })),
  fc.tuple(someId, someContent).map(([id, content]) => result(id, content)),
)

test('whatever stands in a conversation, no provider has to refuse it', () => {
  fc.assert(
    fc.property(fc.array(someMessage, { minLength: 1, maxLength: 7 }), fc.boolean(), (messages, hasTools) => {
      const body = chat(messages, hasTools ? { tools } : {})
      for (const target of targetNames) expect(sent('openai-chat', body, target).broken, target).toEqual([])
    }),
    { seed, numRuns: 1000 },
  )
})
