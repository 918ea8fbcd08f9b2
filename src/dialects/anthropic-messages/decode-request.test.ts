import { describe, expect, test } from 'vitest'
import { decodeRequest } from './decode-request.ts'

const asked = { model: 'from-address', stream: true }
const decode = (body: Record<string, unknown>) => decodeRequest(body, asked)
const hello = [{ role: 'user', content: 'Hello' }]

describe('requests are understood', () => {
  test('the address tells model and stream where the body does not', () => {
    expect(decode({ messages: hello })).toMatchObject({ model: 'from-address', stream: true })
    expect(decode({ messages: hello, model: 'm', stream: false })).toMatchObject({ model: 'm', stream: false })
  })

  test('settings have our names', () => {
    const { settings, reasoning, format, toolChoice, parallelToolCalls } = decode({
      messages: hello,
      max_tokens: 10,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 3,
      stop_sequences: ['a'],
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
      thinking: { type: 'adaptive', display: 'summarized' },
      output_config: { effort: 'max', format: { type: 'json_schema', schema: { type: 'object' } } },
      tool_choice: { type: 'tool', name: 'weather', disable_parallel_tool_use: true },
    })
    expect(settings).toEqual({
      maxTokens: 10,
      temperature: 0.5,
      topP: 0.9,
      topK: 3,
      stop: ['a'],
      user: 'u',
      serviceTier: 'default',
    })
    expect(reasoning).toMatchObject({ mode: 'adaptive', effort: 'max', shown: true })
    expect(format).toEqual({ kind: 'schema', schema: { type: 'object' } })
    expect(toolChoice).toEqual({ mode: 'required', names: ['weather'] })
    expect(parallelToolCalls).toBe(false)
  })

  test('results of tools stand in a message of their own, with pictures and errors', () => {
    const { messages } = decode({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'And?' },
            {
              type: 'tool_result',
              tool_use_id: 'a',
              is_error: true,
              content: [
                { type: 'text', text: 'No' },
                { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'iVBORw0KGgo=' } },
              ],
            },
            { type: 'tool_result', tool_use_id: 'b', content: 'Yes' },
            { type: 'tool_result', tool_use_id: 'c' },
          ],
        },
      ],
    })
    expect(messages).toEqual([
      {
        role: 'tool',
        parts: [
          {
            kind: 'tool-result',
            callId: 'a',
            isError: true,
            parts: [
              { kind: 'text', text: 'No' },
              // What it is by its bytes, whatever it was said to be.
              { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'iVBORw0KGgo=' } },
            ],
          },
          { kind: 'tool-result', callId: 'b', parts: [{ kind: 'text', text: 'Yes' }] },
          { kind: 'tool-result', callId: 'c', parts: [] },
        ],
      },
      { role: 'user', parts: [{ kind: 'text', text: 'And?' }] },
    ])
  })

  test('thoughts keep their seals, cache marks their time, calls their arguments as text', () => {
    const { messages } = decode({
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: '', signature: 'sig' },
            { type: 'redacted_thinking', data: 'enc' },
            { type: 'tool_use', id: 'a', name: 'n', input: { b: 1 }, cache_control: { type: 'ephemeral', ttl: '1h' } },
          ],
        },
      ],
    })
    expect(messages[0]?.parts).toEqual([
      { kind: 'reasoning', text: '', seal: { by: 'anthropic', value: 'sig' } },
      { kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 'enc' } },
      { kind: 'tool-call', id: 'a', name: 'n', arguments: '{"b":1}', cache: { ttl: '1h' } },
    ])
  })

  test("tools of Claude's own are named as everywhere", () => {
    const { tools } = decode({
      messages: hello,
      tools: [
        { type: 'web_search_20260318', name: 'web_search' },
        { type: 'code_execution_20250825', name: 'code_execution' },
        { type: 'bash_20250124', name: 'bash' },
        { name: 'mine', input_schema: { type: 'object' }, strict: true },
      ],
    })
    expect(tools.map(({ kind, name }) => [kind, name])).toEqual([
      ['server', 'web_search'],
      ['server', 'code_execution'],
      ['server', 'bash'],
      ['function', 'mine'],
    ])
  })

  test.each<[Record<string, unknown>, string]>([
    [{}, 'messages'],
    [{ messages: 'Hello' }, 'messages'],
    [{ messages: [1] }, 'messages[0]'],
    [{ messages: [{ role: 'tool', content: '' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: [{}] }] }, 'messages[0].content[0]'],
    [{ messages: hello, tools: {} }, 'tools'],
    [{ messages: hello, tools: [{}] }, 'tools[0].name'],
    [{ messages: hello, tool_choice: 'auto' }, 'tool_choice'],
    [{ messages: hello, tool_choice: { type: 'some' } }, 'tool_choice.type'],
    [{ messages: hello, thinking: true }, 'thinking'],
  ])('%j is refused at its place', (body, param) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ code: 'bad_request', details: { param } }))
  })
})
