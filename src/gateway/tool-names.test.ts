import { expect, test } from 'vitest'
import type { ChatRequest } from '../core/chat.ts'
import { withAllowedNames } from './tool-names.ts'

const request = (name: string): ChatRequest => ({
  model: 'some',
  stream: false,
  settings: {},
  tools: [{ kind: 'function', name }],
  toolChoice: { mode: 'required', names: [name] },
  messages: [
    { role: 'assistant', parts: [{ kind: 'tool-call', id: 'a', name, arguments: '{}' }] },
    { role: 'tool', parts: [{ kind: 'tool-result', callId: 'a', name, parts: [] }] },
  ],
})

test('names that everybody takes stay', () => {
  const asked = request('get_weather-2')
  expect(withAllowedNames(asked)).toEqual({ request: asked, names: new Map() })
})

test.each(['files.read', 'mcp/server/tool', 'wetter_für_ort', 'x'.repeat(80)])(
  'a name that some refuse is another one everywhere, and can be told back: %s',
  (name) => {
    const { request: sent, names } = withAllowedNames(request(name))
    const [[other]] = [...names] as [[string, string]]
    expect(other).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
    expect(names.get(other)).toBe(name)
    expect(sent).toEqual(request(other))
  },
)

test('two names that look alike stay apart', () => {
  const tools = ['a.b', 'a/b', 'a_b'].map((name) => ({ kind: 'function' as const, name }))
  const { request: sent } = withAllowedNames({ ...request('a.b'), tools })
  expect(new Set(sent.tools.map((tool) => tool.name)).size).toBe(3)
})
