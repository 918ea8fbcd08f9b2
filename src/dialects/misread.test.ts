import { describe, expect, test } from 'vitest'
import { dialectNamed } from './index.ts'

/** What each dialect reads of a request, with values that cannot be. */
const wrong: Readonly<Record<string, { readonly body: object; readonly fields: Readonly<Record<string, unknown>> }>> = {
  'openai-chat': {
    body: { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
    fields: {
      temperature: 'hot',
      n: 'two',
      stop: 5,
      tools: 'all',
      response_format: 5,
      web_search_options: 5,
      seed: 'x',
    },
  },
  'openai-responses': {
    body: { model: 'm', input: 'Hi' },
    fields: { temperature: 'hot', max_output_tokens: 'x', tool_choice: 5, reasoning: 5, text: 5, include: 5, user: 5 },
  },
  'anthropic-messages': {
    body: { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
    fields: { temperature: 'hot', max_tokens: 'x', stop_sequences: 5, metadata: 5, service_tier: 5, output_config: 5 },
  },
  gemini: {
    body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    fields: { tools: 'all', toolConfig: 5, generationConfig: { temperature: 'hot', topK: 'x', thinkingConfig: 5 } },
  },
}

describe.each(Object.entries(wrong))('a field of %s that cannot be read', (name, { body, fields }) => {
  const dialect = dialectNamed(name)
  const request = dialect?.decodeRequest({ ...body, ...fields }, { model: 'm', stream: false })
  const names = Object.entries(fields).flatMap(([field, value]) =>
    field === 'generationConfig' ? Object.keys(value as object).map((inner) => `${field}.${inner}`) : [field],
  )

  test('is not lost without a word', () => {
    const other = dialectNamed('bedrock-converse')
    expect(request && other?.encodeRequest(request, {}).dropped).toEqual(expect.arrayContaining(names))
  })

  test('goes back in its own dialect', () => {
    expect(request && dialect?.encodeRequest(request, {}).body).toMatchObject(
      name === 'gemini' ? { generationConfig: { temperature: 'hot' } } : { temperature: 'hot' },
    )
  })
})
