import { describe, expect, test } from 'vitest'
import { calls, chat, result, said, sent, targetNames, targets, tool } from './requests-targets.ts'

const hi = said('user', 'Hi')
const tools = [tool('look'), tool('ask')]
const schema = { type: 'object', properties: { a: { type: 'number', minimum: 1 } }, required: ['a'] }
const asSchema = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } } }
const mid = [hi, calls(['1', 'look']), result('1', 'x')]

/** What OpenAI's clients set, alone and together. */
const wishes: Readonly<Record<string, object>> = {
  nothing: {},
  'an old limit': { max_tokens: 100 },
  'both limits': { max_tokens: 100, max_completion_tokens: 200 },
  'a very small limit': { max_tokens: 1 },
  'a temperature that is too high for some': { temperature: 1.5 },
  'a temperature and a top_p': { temperature: 0.2, top_p: 0.9 },
  'a top_k': { top_k: 5 },
  'one stop': { stop: 'END' },
  'an empty stop': { stop: '' },
  'no stops': { stop: [] },
  'stops that are nothing but blanks': { stop: ['\n\n', ' '] },
  'more stops than anybody takes': { stop: ['1', '2', '3', '4', '5', '6', '7'] },
  'two answers': { n: 2 },
  'usage in a stream without a stream': { stream_options: { include_usage: true } },
  'a choice without tools': { tool_choice: 'auto' },
  'a forced choice without tools': { tool_choice: 'required', parallel_tool_calls: false },
  'no tools in a list': { tools: [], tool_choice: 'auto', parallel_tool_calls: true },
  'one call at a time': { tools, parallel_tool_calls: false },
  'one call at a time, of a named tool': {
    tools,
    parallel_tool_calls: false,
    tool_choice: { type: 'function', function: { name: 'ask' } },
  },
  'no calls': { tools, tool_choice: 'none' },
  'some call': { tools, tool_choice: 'required' },
  'a call among some': {
    tools,
    tool_choice: {
      type: 'allowed_tools',
      allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'ask' } }] },
    },
  },
  'a tool without parameters': { tools: [{ type: 'function', function: { name: 'look' } }] },
  'a tool with empty parameters': { tools: [tool('look', { parameters: {}, description: '' })] },
  'a tool with parameters of no type': { tools: [tool('look', { parameters: { properties: {} } })] },
  'a tool with alternatives at its root': {
    tools: [tool('look', { parameters: { anyOf: [schema, { type: 'object', properties: {} }] } })],
  },
  'a strict tool': { tools: [tool('look', { parameters: { ...schema, additionalProperties: false }, strict: true })] },
  JSON: { response_format: { type: 'json_object' } },
  'a schema': asSchema,
  'a schema beside tools': { ...asSchema, tools },
  'a schema and no calls': { ...asSchema, tools, tool_choice: 'none' },
  'a schema and thoughts': { ...asSchema, reasoning_effort: 'high' },
  'biases, penalties, seeds and log probabilities': {
    logit_bias: { 5: 10 },
    presence_penalty: 0.5,
    frequency_penalty: 0.5,
    seed: 1,
    logprobs: true,
    top_logprobs: 2,
  },
  'who asks and what for': {
    user: 'ann',
    metadata: { a: 'b' },
    store: true,
    service_tier: 'flex',
    prompt_cache_key: 'k',
    safety_identifier: 's',
  },
  'what nobody else knows': { prediction: { type: 'content', content: 'x' }, min_p: 0.1, provider: {}, __proto__x: 1 },
  search: { web_search_options: { search_context_size: 'low' } },
  'search beside tools': { web_search_options: {}, tools },
  speech: { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } },
  ...Object.fromEntries(
    ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'odd'].map((effort) => [
      `the effort ${effort}`,
      { reasoning_effort: effort },
    ]),
  ),
  'an effort and a small limit': { reasoning_effort: 'max', max_tokens: 500 },
  'an effort and a forced call': { reasoning_effort: 'high', tools, tool_choice: 'required' },
  'an effort and sampling': { reasoning_effort: 'high', temperature: 0.3, top_p: 0.5, top_k: 3 },
  'no effort and sampling': { reasoning_effort: 'none', temperature: 0.3 },
}

describe('no provider has to refuse', () => {
  for (const [name, wish] of Object.entries(wishes)) {
    test(name, () => {
      const faults = targetNames.flatMap((target) =>
        [[hi], mid, [hi, said('assistant', 'Well, ')]].flatMap((messages) =>
          sent('openai-chat', chat(messages, wish), target).broken.map((rule) => `${target}: ${rule}`),
        ),
      )
      expect([...new Set(faults)]).toEqual([])
    })
  }
})

describe('what a provider has no field for is named:', () => {
  const kept = (body: object): string => JSON.stringify(body)
  test.each<[name: string, field: string, value: unknown, dialects: RegExp]>([
    ['seed', 'seed', 987_654, /^(openai-chat|gemini)$/],
    ['choices', 'n', 2, /^(openai-chat|gemini)$/],
    ['logitBias', 'logit_bias', { 987654: 5 }, /^openai-chat$/],
    ['presencePenalty', 'presence_penalty', 0.987, /^(openai-chat|gemini)$/],
    ['user', 'user', 'ann-987', /^(openai-chat|openai-responses|anthropic-messages|bedrock-converse)$/],
    ['cacheKey', 'prompt_cache_key', 'k987', /^openai/],
    ['topK', 'top_k', 987, /^(openai-chat|anthropic-messages|gemini|bedrock-converse)$/],
    ['verbosity', 'verbosity', 'low', /^openai/],
  ])('%s', (name, field, value, dialects) => {
    for (const target of targetNames) {
      const { body, dropped } = sent('openai-chat', chat([hi], { [field]: value }), target)
      const written = kept(typeof value === 'object' ? { x: Object.keys(value as object)[0] } : { x: value }).slice(
        5,
        -1,
      )
      const isThere = name === 'choices' ? /"(n|candidateCount)":2/.test(kept(body)) : kept(body).includes(written)
      expect(isThere || dropped.includes(name), `${target} ${kept(body)} ${dropped}`).toBe(true)
      if (isThere) expect(targets[target].dialect, target).toMatch(dialects)
      expect(isThere && dropped.includes(name), target).toBe(false)
    }
  })

  test('fields of the client alone', () => {
    for (const target of targetNames) {
      if (targets[target].dialect === 'openai-chat') continue
      const { body, dropped } = sent(
        'openai-chat',
        chat([hi], { prediction: { type: 'content', content: 'x' }, min_p: 0.5 }),
        target,
      )
      expect(dropped, target).toEqual(expect.arrayContaining(['prediction', 'min_p']))
      expect(kept(body), target).not.toMatch(/prediction|min_p/)
    }
  })
})

describe("Claude's clients", () => {
  const body = (more: object, messages: readonly object[] = [hi]): object => ({
    model: 'a-model',
    max_tokens: 2000,
    messages,
    ...more,
  })
  const served = [{ name: 'look', input_schema: { type: 'object' } }]
  test.each<[what: string, more: object]>([
    ['a budget', { thinking: { type: 'enabled', budget_tokens: 1024 } }],
    ['a budget above the limit', { thinking: { type: 'enabled', budget_tokens: 9000 } }],
    ['adaptive thinking', { thinking: { type: 'adaptive' } }],
    ['thinking that is off', { thinking: { type: 'disabled' } }],
    ['an effort', { output_config: { effort: 'max' } }],
    ['tools that may not be called', { tools: served, tool_choice: { type: 'none' } }],
    ['one call at a time', { tools: served, tool_choice: { type: 'any', disable_parallel_tool_use: true } }],
    ['marks of the cache', { system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }] }],
    ['fields that nobody else knows', { container: 'c', context_management: {}, inference_geo: 'us', top_k: 5 }],
    ['a tier and a user', { service_tier: 'standard_only', metadata: { user_id: 'u' } }],
    ['stops', { stop_sequences: ['a', 'b', 'c', 'd', 'e', 'f'] }],
  ])('are not refused elsewhere for %s', (_what, more) => {
    for (const target of targetNames) {
      if (targets[target].dialect === 'anthropic-messages') continue
      expect(sent('anthropic-messages', body(more), target).broken, target).toEqual([])
    }
  })
})

test('no two wishes together are refused', () => {
  const all = Object.entries(wishes)
  const faults = new Map<string, string>()
  // Some name a tool that is not among the other's.
  for (const [at, [one, first]] of all.entries())
    for (const [other, second] of all.slice(at + 1))
      for (const target of targetNames)
        for (const rule of sent('openai-chat', chat(mid, { ...first, ...second }), target).broken)
          if (rule !== 'a choice of no tool') faults.set(`${target}: ${rule}`, `${one} and ${other}`)
  expect([...faults]).toEqual([])
})
