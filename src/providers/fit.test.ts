import { expect, test } from 'vitest'
import type { ChatRequest } from '../core/chat.ts'
import type { ModelAbilities } from './abilities.ts'
import { fitted } from './fit.ts'

const hello: ChatRequest = {
  model: 'm',
  stream: false,
  messages: [
    { role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }] },
    { role: 'user', parts: [{ kind: 'text', text: 'Hello' }] },
  ],
  tools: [],
  settings: {},
}

const withTool: ChatRequest = {
  ...hello,
  tools: [{ kind: 'function', name: 'look' }],
  toolChoice: { mode: 'required' },
  parallelToolCalls: false,
}

test('a request that the model takes is not touched', () => {
  const all: ModelAbilities = { tools: true, efforts: ['low'] }
  const asked: ChatRequest = { ...withTool, reasoning: { effort: 'low' }, settings: { temperature: 1, topP: 1 } }
  expect(fitted(asked, all)).toEqual({ request: asked, dropped: [] })
  expect(fitted(asked, {}).request).toBe(asked)
})

test.each<[wish: string, can: ModelAbilities, told: string]>([
  ['xhigh', { efforts: ['low', 'medium', 'high', 'max'] }, 'high'],
  ['max', { efforts: ['none', 'low', 'medium', 'high', 'xhigh'] }, 'xhigh'],
  ['minimal', { efforts: ['none', 'low', 'medium', 'high'] }, 'low'],
  ['medium', { efforts: ['low', 'high'] }, 'low'],
  ['low', { efforts: ['high'] }, 'high'],
  ['high', { efforts: ['none', 'default'] }, 'default'],
  ['none', { efforts: ['none', 'default'] }, 'none'],
  ['none', { efforts: ['low', 'high'] }, 'none'],
  ['none', { efforts: ['minimal', 'low'], thinkingCanBeOff: false }, 'minimal'],
  ['enormous', { efforts: ['low', 'high'] }, 'enormous'],
  ['high', {}, 'high'],
])('a wish for %s effort is told to a model of %j as %s', (effort, can, told) => {
  const asked: ChatRequest = { ...hello, reasoning: { effort, shown: true } }
  expect(fitted(asked, can)).toEqual({ request: { ...hello, reasoning: { effort: told, shown: true } }, dropped: [] })
})

test('tools are named as lost where the model takes none, and what is said of them goes with them', () => {
  expect(fitted(withTool, { tools: false })).toEqual({ request: hello, dropped: ['tools'] })
  expect(fitted(hello, { tools: false })).toEqual({ request: hello, dropped: [] })
})

test('of a temperature and a top_p the temperature stays', () => {
  const can: ModelAbilities = { temperatureOrTopP: true }
  expect(fitted({ ...hello, settings: { temperature: 0, topP: 0.5, topK: 3 } }, can)).toEqual({
    request: { ...hello, settings: { temperature: 0, topK: 3 } },
    dropped: ['topP'],
  })
  expect(fitted({ ...hello, settings: { topP: 0.5 } }, can).dropped).toEqual([])
})

test('instructions become turns of the user for a model that knows no instructions', () => {
  const { request, dropped } = fitted(hello, { instructionsField: false })
  expect(request.messages.map(({ role }) => role)).toEqual(['user', 'user'])
  expect(dropped).toEqual([])
})
