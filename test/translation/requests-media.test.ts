import { describe, expect, test } from 'vitest'
import {
  calls,
  chat,
  result,
  said,
  sent,
  type TargetName,
  targetNames,
  targets,
  tool,
  type Wire,
} from './requests-targets.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAA+/8='
const jpeg = '/9j/4AAQSkZJRgABAQAAAQABAAD/'
const pdf = 'JVBERi0xLjQKJcfsj6IKNSAwIG9i'
const user = (...content: readonly object[]): object => said('user', content)
const words = { type: 'text', text: 'What is this?' }
const image = (url: string, more: object = {}): object => ({ type: 'image_url', image_url: { url, ...more } })
const file = (more: object): object => ({ type: 'file', file: more })

interface Found {
  readonly type: string
  readonly data: string
}

/** Every file that stands in a request as data, in whichever field its dialect has for it. */
function filesIn(value: Wire): readonly Found[] {
  if (typeof value === 'string') {
    const url = /^data:([^;,]+);base64,(.*)$/.exec(value)
    return url ? [{ type: url[1] as string, data: url[2] as string }] : []
  }
  if (typeof value !== 'object' || value === null) return []
  if (value.inlineData) return [{ type: value.inlineData.mimeType, data: value.inlineData.data }]
  if (value.type === 'base64') return [{ type: value.media_type, data: value.data }]
  if (value.input_audio?.data) return [{ type: `audio/${value.input_audio.format}`, data: value.input_audio.data }]
  for (const kind of ['image', 'document', 'audio'])
    if (value[kind]?.source?.bytes)
      return [
        { type: `${kind === 'document' ? 'application' : kind}/${value[kind].format}`, data: value[kind].source.bytes },
      ]
  return Object.values(value).flatMap(filesIn)
}

describe('a picture in a data URL', () => {
  test.each<[what: string, url: string, type: string, data: string]>([
    ['as it should be', `data:image/png;base64,${png}`, 'image/png', png],
    ['in capitals', `DATA:IMAGE/PNG;BASE64,${png}`, 'image/png', png],
    ['with parameters', `data:image/png;charset=utf-8;name=a.png;base64,${png}`, 'image/png', png],
    ['named jpg', `data:image/jpg;base64,${jpeg}`, 'image/jpeg', jpeg],
    ['named as something else', `data:image/png;base64,${jpeg}`, 'image/jpeg', jpeg],
    ['without a type', `data:;base64,${png}`, 'image/png', png],
    ['with line breaks', `data:image/png;base64,${png.slice(0, 8)}\r\n${png.slice(8)}\n`, 'image/png', png],
    [
      'in the alphabet of URLs',
      `data:image/png;base64,${png.replace('+', '-').replace('/8', '_8').replace('=', '')}`,
      'image/png',
      png,
    ],
    ['in percent signs', `data:image/png;base64,${encodeURIComponent(png)}`, 'image/png', png],
  ])('%s is the same to all', (_what, url, type, data) => {
    for (const target of targetNames) {
      const { body, broken } = sent('openai-chat', chat([user(image(url), words)]), target)
      expect(broken, target).toEqual([])
      expect(filesIn(body), target).toEqual([{ type, data }])
    }
  })
})

test('a picture with an address goes to whom may fetch it, and is named where it cannot go', () => {
  const address = 'https://example.com/cat.png?size=1'
  for (const target of targetNames) {
    const { body, dropped, broken } = sent('openai-chat', chat([user(image(address), words)]), target)
    expect(broken, target).toEqual([])
    const goes = targets[target].dialect !== 'bedrock-converse'
    expect(JSON.stringify(body).includes(address), target).toBe(goes)
    expect(dropped.includes('messages[0].image'), target).toBe(!goes)
  }
})

test('how closely a picture is looked at is told or named', () => {
  for (const target of targetNames) {
    const { body, dropped } = sent(
      'openai-chat',
      chat([user(image(`data:image/png;base64,${png}`, { detail: 'low' }), words)]),
      target,
    )
    const isTold = /"low"|RESOLUTION_LOW/.test(JSON.stringify(body))
    expect(isTold || dropped.includes('messages[0].image.detail'), target).toBe(true)
  }
})

test.each<[what: string, file: object]>([
  ['in a data URL', { filename: 'My report (final)_v2.pdf', file_data: `data:application/pdf;base64,${pdf}` }],
  ['in bare base64', { filename: 'My report (final)_v2.pdf', file_data: pdf }],
])('a PDF %s goes to all who read them, twice under the same name too', (_what, one) => {
  for (const target of targetNames) {
    const { body, broken } = sent('openai-chat', chat([user(file(one)), user(file(one))]), target)
    expect(broken, target).toEqual([])
    expect(filesIn(body), target).toEqual([1, 2].map(() => ({ type: 'application/pdf', data: pdf })))
  }
})

test('a file that OpenAI keeps goes to nobody else, and is named', () => {
  for (const target of targetNames) {
    const { body, dropped, broken } = sent('openai-chat', chat([user(file({ file_id: 'file-abc' }), words)]), target)
    expect(broken, target).toEqual([])
    const isOpenai = targets[target].dialect.startsWith('openai')
    expect(JSON.stringify(body).includes('file-abc'), target).toBe(isOpenai)
    expect(dropped.includes('messages[0].document'), target).toBe(!isOpenai)
  }
})

test.each(['wav', 'mp3'])('sound in %s goes to whom can hear it, and is named elsewhere', (format) => {
  for (const target of targetNames) {
    const sound = { type: 'input_audio', input_audio: { data: 'UklGRiQAAABXQVZF', format } }
    const { body, dropped, broken } = sent('openai-chat', chat([user(sound, words)]), target)
    expect(broken, target).toEqual([])
    const hears = ['openai-chat', 'gemini', 'bedrock-converse'].includes(targets[target].dialect)
    expect(filesIn(body).length, target).toBe(hears ? 1 : 0)
    expect(dropped.includes('messages[0].audio'), target).toBe(!hears)
    if (hears) expect(filesIn(body)[0]?.type, target).toMatch(format === 'wav' ? /wav/ : /mp3|mpeg/)
  }
})

describe('a picture in a result of a tool', () => {
  const base64 = { type: 'base64', media_type: 'image/png', data: png }
  const blocks = [
    { type: 'text', text: 'A cat.' },
    { type: 'image', source: base64 },
  ]
  const ofClaude = {
    model: 'a-model',
    max_tokens: 100,
    tools: [
      { name: 'look', input_schema: { type: 'object' } },
      { name: 'ask', input_schema: { type: 'object' } },
    ],
    messages: [
      { role: 'user', content: 'Look' },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
          { type: 'tool_use', id: 'toolu_2', name: 'ask', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: blocks },
          { type: 'tool_result', tool_use_id: 'toolu_2', content: [{ type: 'image', source: base64 }], is_error: true },
          { type: 'text', text: 'And?' },
        ],
      },
    ],
  }
  const picture = { type: 'image/png', data: png }

  test("of Claude's clients is shown to all, beside the words", () => {
    for (const target of targetNames) {
      const { body, broken } = sent('anthropic-messages', ofClaude, target)
      expect(broken, target).toEqual([])
      expect(filesIn(body), target).toEqual([picture, picture])
      expect(JSON.stringify(body), target).toContain('A cat.')
    }
  })

  test('stands in the result where there is a place for it', () => {
    const inResult: Readonly<Partial<Record<TargetName, (body: Wire) => Wire>>> = {
      'Claude 4.5': ({ messages }) => messages.at(-1).content[0].content,
      'Bedrock Claude 4.5': ({ messages }) => messages.at(-1).content[0].toolResult.content,
      'Gemini 3': ({ contents }) => contents.at(-1).parts[0].functionResponse.parts,
      'Responses GPT-5.2': ({ input }) =>
        input.find(({ call_id, output }: Wire) => call_id === 'toolu_1' && output).output,
    }
    for (const [target, find] of Object.entries(inResult))
      expect(filesIn(find(sent('anthropic-messages', ofClaude, target as TargetName).body)), target).toEqual([picture])
  })

  test('of OpenAI’s clients, who put it there against the rules, is shown as well', () => {
    const messages = [
      said('user', 'Look'),
      calls(['1', 'look']),
      result('1', [{ type: 'text', text: 'A cat.' }, image(`data:image/png;base64,${png}`)]),
    ]
    for (const target of targetNames) {
      const { body, broken } = sent('openai-chat', chat(messages, { tools: [tool('look')] }), target)
      if (targets[target].dialect !== 'openai-chat') expect(broken, target).toEqual([])
      expect(filesIn(body), target).toEqual([picture])
    }
  })
})

test('a part that nobody knows is named with its place', () => {
  for (const target of targetNames) {
    if (targets[target].dialect === 'openai-chat') continue
    const { dropped, broken } = sent('openai-chat', chat([user(words, { type: 'hologram', hologram: 1 })]), target)
    expect(broken, target).toEqual([])
    expect(dropped, target).toContain('messages[0].opaque')
  }
})
