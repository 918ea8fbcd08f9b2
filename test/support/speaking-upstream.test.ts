import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type Api, index, load, noRecordings, recordingsFolder } from './recordings.ts'
import { prompts, type Wire } from './speaking/script.ts'
import { startSpeakingUpstream } from './speaking-upstream.ts'

const upstream = await startSpeakingUpstream()
afterAll(() => upstream.close())
beforeEach(() => {
  upstream.taken()
})

type Body = Readonly<Record<string, unknown>>

/** Claude on the clouds is Claude. */
type Main = Exclude<Wire, 'bedrock-invoke' | 'vertex-anthropic'>

interface Way {
  readonly path: string
  readonly streamPath?: string
  readonly headers: Readonly<Record<string, string>>
  readonly hello: (prompt: string) => Body
  readonly tools: Body
  readonly thinks: Body
  readonly apis: readonly Api[]
  readonly hosts: readonly string[]
}

const schema = { type: 'object', properties: { city: { type: 'string' } } }
const bearer = { authorization: 'Bearer key' }
const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1%3A0'

/** How one asks each vendor. */
const ways: Readonly<Record<Main, Way>> = {
  'openai-chat': {
    path: '/v1/chat/completions',
    headers: bearer,
    hello: (content) => ({ model: 'gpt-4.1', messages: [{ role: 'user', content }] }),
    tools: { tools: [{ type: 'function', function: { name: 'get_weather', parameters: schema } }] },
    thinks: { model: 'deepseek-reasoner' },
    apis: ['openai.chat'],
    hosts: ['openai', 'azure', 'deepseek'],
  },
  'openai-responses': {
    path: '/v1/responses',
    headers: bearer,
    hello: (content) => ({ model: 'gpt-5.2', input: [{ role: 'user', content }] }),
    tools: { tools: [{ type: 'function', name: 'get_weather', parameters: schema }] },
    thinks: { reasoning: { effort: 'low', summary: 'auto' }, store: false, include: ['reasoning.encrypted_content'] },
    apis: ['openai.responses'],
    hosts: ['openai', 'azure'],
  },
  'anthropic-messages': {
    path: '/v1/messages',
    headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
    hello: (content) => ({ model: 'claude-sonnet-4-5', max_tokens: 4000, messages: [{ role: 'user', content }] }),
    tools: { tools: [{ name: 'get_weather', input_schema: schema }] },
    thinks: { thinking: { type: 'enabled', budget_tokens: 2000 } },
    apis: ['anthropic.messages', 'vertex.anthropic', 'bedrock.invoke'],
    hosts: ['anthropic', 'vertex', 'bedrock'],
  },
  gemini: {
    path: '/v1beta/models/gemini-3-pro-preview:generateContent',
    streamPath: '/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse',
    headers: { 'x-goog-api-key': 'key' },
    hello: (text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
    tools: { tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: schema }] }] },
    thinks: { generationConfig: { thinkingConfig: { includeThoughts: true } } },
    apis: ['gemini.generateContent', 'gemini.streamGenerateContent'],
    hosts: ['gemini', 'vertex'],
  },
  'bedrock-converse': {
    path: `/model/${claude}/converse`,
    streamPath: `/model/${claude}/converse-stream`,
    headers: bearer,
    hello: (text) => ({ messages: [{ role: 'user', content: [{ text }] }] }),
    tools: { toolConfig: { tools: [{ toolSpec: { name: 'get_weather', inputSchema: { json: schema } } }] } },
    thinks: { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 2000 } } },
    apis: ['bedrock.converse', 'bedrock.converse-stream'],
    hosts: ['bedrock'],
  },
}

const wires = Object.keys(ways) as Main[]

async function ask(wire: Main, body: Body, path = ways[wire].path): Promise<{ status: number; bytes: Buffer }> {
  const response = await fetch(`${upstream.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...ways[wire].headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
}

async function refusalOf(wire: Main, body: Body): Promise<string> {
  const { status } = await ask(wire, body)
  const [seen] = upstream.taken()
  expect(status).toBe(400)
  return seen?.refusal?.message ?? ''
}

for (const wire of wires) {
  const { hello, tools, thinks } = ways[wire]
  test(`${wire} refuses a field that it does not know`, async () => {
    expect(await refusalOf(wire, { ...hello(prompts.hello), wishes: 1 })).toContain('wishes')
  })

  test(`${wire} refuses a request without messages`, async () => {
    expect(await refusalOf(wire, { model: 'm', max_tokens: 9 })).toMatch(/messages|input|contents/)
  })

  test(`${wire} has nothing to say to a prompt that is not in the script`, async () => {
    expect(await refusalOf(wire, hello('Anything else?'))).toContain('Anything else?')
  })

  test(`${wire} refuses thoughts that nobody asked for`, async () => {
    if (wire === 'openai-responses' || wire === 'openai-chat' || wire === 'gemini')
      expect(await refusalOf(wire, { ...hello(prompts.forecast), ...tools })).toContain('thoughts')
    expect((await ask(wire, { ...hello(prompts.forecast), ...tools, ...thinks })).status).toBe(200)
  })
}

describe('the rules of turns', () => {
  const claudeTurn = (results: readonly object[], thoughts: readonly object[] = []): Body => ({
    ...ways['anthropic-messages'].hello(''),
    ...ways['anthropic-messages'].tools,
    messages: [
      { role: 'user', content: prompts.weather },
      { role: 'assistant', content: [...thoughts, { type: 'tool_use', id: 'a', name: 'get_weather', input: {} }] },
      { role: 'user', content: results },
    ],
  })
  const result = { type: 'tool_result', tool_use_id: 'a', content: 'warm' }

  test('Anthropic wants the results of a turn, before any text', async () => {
    expect(await refusalOf('anthropic-messages', claudeTurn([{ type: 'text', text: 'So?' }]))).toContain('tool_use')
    expect(await refusalOf('anthropic-messages', claudeTurn([{ type: 'text', text: 'So?' }, result]))).toContain(
      'first',
    )
    expect((await ask('anthropic-messages', claudeTurn([result]))).status).toBe(200)
  })

  test('Anthropic wants its thoughts back, and only its own', async () => {
    const { thinks } = ways['anthropic-messages']
    expect(await refusalOf('anthropic-messages', { ...claudeTurn([result]), ...thinks })).toContain(
      'Expected `thinking`',
    )
    const forged = [{ type: 'thinking', thinking: 'Hm.', signature: 'forged' }]
    expect(await refusalOf('anthropic-messages', { ...claudeTurn([result], forged), ...thinks })).toContain('signature')
  })

  test('Gemini wants as many results as there were calls, and the signature of the first call', async () => {
    const call = (thoughtSignature?: string): object => ({
      functionCall: { name: 'get_weather', args: {} },
      ...(thoughtSignature && { thoughtSignature }),
    })
    const turn = (calls: readonly object[], results: number): Body => ({
      ...ways.gemini.tools,
      contents: [
        { role: 'user', parts: [{ text: prompts.weather }] },
        { role: 'model', parts: calls },
        {
          role: 'user',
          parts: Array.from({ length: results }, () => ({ functionResponse: { name: 'get_weather', response: {} } })),
        },
      ],
    })
    expect(await refusalOf('gemini', turn([call(), call()], 1))).toContain('number of function response parts')
    expect(await refusalOf('gemini', turn([call()], 1))).toContain('thought_signature')
    expect(await refusalOf('gemini', turn([call('Zm9yZ2Vk')], 1))).toContain('not valid')
    expect((await ask('gemini', turn([call('skip_thought_signature_validator'), call()], 2))).status).toBe(200)
  })

  test('Bedrock wants turns that alternate, and tools where there were calls', async () => {
    const user = { role: 'user', content: [{ text: prompts.hello }] }
    expect(await refusalOf('bedrock-converse', { messages: [user, user] })).toContain('alternate')
    const calls = { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'get_weather', input: {} } }] }
    const results = { role: 'user', content: [{ toolResult: { toolUseId: 'a', content: [{ text: 'warm' }] } }] }
    expect(await refusalOf('bedrock-converse', { messages: [user, calls, results] })).toContain('toolConfig')
    expect(
      (await ask('bedrock-converse', { messages: [user, calls, results], ...ways['bedrock-converse'].tools })).status,
    ).toBe(200)
  })

  test('OpenAI wants a result for each call at once, and no field of older models', async () => {
    const calls = [{ id: 'a', type: 'function', function: { name: 'get_weather', arguments: '{}' } }]
    const user = { role: 'user', content: prompts.weather }
    const messages = [user, { role: 'assistant', content: null, tool_calls: calls }, user]
    expect(await refusalOf('openai-chat', { model: 'gpt-4.1', messages })).toContain(
      'must be followed by tool messages',
    )
    expect(
      await refusalOf('openai-chat', { ...ways['openai-chat'].hello('Hm.'), model: 'gpt-5.2', max_tokens: 9 }),
    ).toContain('max_completion_tokens')
  })

  test('Responses wants a thought before what it led to', async () => {
    const input = [
      { role: 'user', content: prompts.hello },
      { type: 'reasoning', id: 'rs_1', summary: [] },
    ]
    expect(await refusalOf('openai-responses', { model: 'gpt-5.2', input })).toContain('required following item')
  })
})

/** Where the values of an answer stand, whatever they are; not what is inside of arguments and schemas. */
function pathsIn(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, `${path}[]`))
  if (typeof value !== 'object' || value === null || /\b(input|args|parameters)$/.test(path)) return [path]
  return Object.entries(value).flatMap(([name, item]) => pathsIn(item, `${path}.${name}`))
}

const eventsIn = (text: string): unknown[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)) as unknown)

/** The payloads of AWS's frames: between the headers and the last checksum. */
function payloadsIn(bytes: Buffer): unknown[] {
  if (bytes.length === 0) return []
  const length = bytes.readUInt32BE(0)
  const payload = bytes.subarray(12 + bytes.readUInt32BE(4), length - 4)
  return [JSON.parse(payload.toString()), ...payloadsIn(bytes.subarray(length))]
}

/** What nobody has recorded, but the documentation has: Anthropic's hidden thoughts in a whole answer. */
const documented: ReadonlySet<string> = new Set(['.content[].data'])

function recordedPaths({ apis, hosts }: Way): ReadonlySet<string> {
  const rows = index().filter(
    ({ api, provider, status }) => apis.includes(api) && hosts.includes(provider) && status < 400,
  )
  return new Set(
    rows.flatMap(({ id }) => {
      const { response } = load(id)
      if ('body' in response) return pathsIn(response.body)
      if (!('chunks' in response)) return []
      const events =
        'events' in response ? response.events.map(({ payload }) => payload) : eventsIn(response.chunks.join(''))
      return events.flatMap((event) => pathsIn(event))
    }),
  )
}

describe.skipIf(!recordingsFolder())(
  `answers have nothing that no vendor was recorded to say (${recordingsFolder() ? 'compared' : noRecordings})`,
  () => {
    for (const wire of wires) {
      test(wire, async () => {
        const way = ways[wire]
        const recorded = recordedPaths(way)
        const asked = [
          way.hello(prompts.hello),
          { ...way.hello(prompts.weather), ...way.tools },
          { ...way.hello(prompts.forecast), ...way.tools, ...way.thinks },
        ]
        for (const body of asked) {
          const whole = await ask(wire, body)
          const { streamPath } = way
          const stream = await ask(wire, streamPath ? body : { ...body, stream: true }, streamPath)
          expect([whole.status, stream.status]).toEqual([200, 200])
          const events = wire === 'bedrock-converse' ? payloadsIn(stream.bytes) : eventsIn(stream.bytes.toString())
          expect(events.length).toBeGreaterThan(3)
          const said = [JSON.parse(whole.bytes.toString()) as unknown, ...events].flatMap((value) => pathsIn(value))
          expect(said.filter((path) => !recorded.has(path) && !documented.has(path))).toEqual([])
        }
      })
    }
  },
)
