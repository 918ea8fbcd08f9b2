import { once } from 'node:events'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startTest } from '../support/trunkline.ts'

interface Asked {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: { readonly model?: string }
}

/** Answers in the words of whoever is asked, by the path. */
const answers: readonly (readonly [path: RegExp, answer: unknown])[] = [
  [
    /\/chat\/completions/,
    {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    },
  ],
  [
    /\/messages$/,
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: 'Hello!' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 2 },
    },
  ],
  [
    /\/responses$/,
    {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      model: 'm',
      status: 'completed',
      output: [
        {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hello!', annotations: [] }],
        },
      ],
      usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
    },
  ],
  [
    /:generateContent/,
    {
      candidates: [{ content: { role: 'model', parts: [{ text: 'Hello!' }] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
    },
  ],
]

interface Everybody extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly Asked[]
}

async function startEverybody(): Promise<Everybody> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url ?? ''
    asked.push({ path, headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
    const answer = answers.find(([pattern]) => pattern.test(path))?.[1]
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const user = [{ role: 'user', content: 'Hello' }]
const doors = {
  chat: { path: '/v1/chat/completions', ask: (model: string) => ({ model, messages: user }) },
  messages: { path: '/v1/messages', ask: (model: string) => ({ model, max_tokens: 9, messages: user }) },
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

/** Every header in which a client might have a key of its own. */
const keysOfClient = {
  authorization: 'Bearer sk-client-canary',
  'x-api-key': 'sk-client-canary',
  'x-goog-api-key': 'sk-client-canary',
  'api-key': 'sk-client-canary',
}

describe('a provider is asked where it is, as it reads keys, and hears nothing of keys of clients', () => {
  test.each<
    [door: keyof typeof doors, model: string, path: string, key: Record<string, string>, told: string | undefined]
  >([
    [
      'chat',
      'groq/openai/gpt-oss-120b',
      '/groq/v1/chat/completions',
      { authorization: 'Bearer k' },
      'openai/gpt-oss-120b',
    ],
    ['messages', 'groq/llama', '/groq/v1/chat/completions', { authorization: 'Bearer k' }, 'llama'],
    ['chat', 'anthropic/claude-x', '/anthropic/v1/messages', { 'x-api-key': 'k' }, 'claude-x'],
    ['messages', 'anthropic/claude-x', '/anthropic/v1/messages', { 'x-api-key': 'k' }, 'claude-x'],
    [
      'chat',
      'gemini/gemini-3-pro',
      '/gemini/v1beta/models/gemini-3-pro:generateContent',
      { 'x-goog-api-key': 'k' },
      undefined,
    ],
    ['chat', 'azure/my deployment', '/azure/openai/v1/chat/completions', { 'api-key': 'k' }, 'my deployment'],
    ['chat', 'custom/qwen', '/custom/v1/chat/completions', {}, 'qwen'],
    ['chat', 'house-model', '/custom/v1/chat/completions', {}, 'house-model'],
  ])('%s: %s', async (door, model, path, key, told) => {
    await using everybody = await startEverybody()
    const at = (name: string, folder: string): Record<string, string> => ({
      [`TRUNKLINE_${name}_BASE_URL`]: `${everybody.url}/${folder}`,
      [`TRUNKLINE_${name}_API_KEY`]: 'k',
    })
    await using folder = await mkdtempDisposable(join(tmpdir(), 'trunkline-providers-'))
    await writeFile(join(folder.path, 'trunkline.yaml'), 'providers: { custom: { models: [house-model] } }')
    await using trunkline = await startTest({
      environment: {
        ...at('GROQ', 'groq/v1'),
        ...at('ANTHROPIC', 'anthropic'),
        ...at('GEMINI', 'gemini/v1beta'),
        ...at('AZURE', 'azure'),
        ...at('CUSTOM', 'custom/v1'),
        TRUNKLINE_CUSTOM_API_KEY: '',
      },
      dataDir: folder.path,
    })
    const response = await post(`${trunkline.url}${doors[door].path}`, doors[door].ask(model), keysOfClient)
    expect({ status: response.status, text: await response.text() }).toMatchObject({ status: 200 })
    const [asked] = everybody.asked
    expect(asked?.path).toBe(path)
    expect(asked?.headers).toMatchObject(key)
    expect(asked?.body.model).toBe(told)
    expect(JSON.stringify(asked)).not.toContain('canary')
  })
})

describe('a key in the environment', () => {
  test("is the vendor's, and goes to no other host", async () => {
    await using everybody = await startEverybody()
    await using trunkline = await startTest({
      environment: { GROQ_API_KEY: 'sk-vendor-canary', TRUNKLINE_GROQ_BASE_URL: `${everybody.url}/v1` },
    })
    const response = await post(`${trunkline.url}${doors.chat.path}`, doors.chat.ask('groq/llama'))
    expect(response.status).toBe(200)
    expect(JSON.stringify(everybody.asked)).not.toContain('canary')
  })
})

describe('a chat that chat completions would refuse', () => {
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }]

  test.each([
    ['gpt-5.6', { tools, reasoning_effort: 'high' }, '/v1/responses'],
    ['gpt-5.6', { tools }, '/v1/chat/completions'],
    ['gpt-5.6', { tools, reasoning_effort: 'none' }, '/v1/chat/completions'],
    ['gpt-5.2', { tools, reasoning_effort: 'high' }, '/v1/chat/completions'],
    ['gpt-5-pro', {}, '/v1/responses'],
  ])('%s with %j is asked at %s, and the client does not see it', async (model, more, path) => {
    await using everybody = await startEverybody()
    await using trunkline = await startTest({ settings: { 'providers.openai.base_url': `${everybody.url}/v1` } })
    const response = await post(`${trunkline.url}${doors.chat.path}`, { ...doors.chat.ask(model), ...more })
    expect(everybody.asked.map((asked) => asked.path)).toEqual([path])
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
    })
  })
})

describe('without a key', () => {
  test.each([
    ['antropic/claude-x', 'write anthropic/claude-x'],
    ['mistralai/mistral-large', 'write mistral/mistral-large'],
  ])('a provider that was misspelt is named: %s', async (model, words) => {
    await using trunkline = await startTest()
    const chat = await post(`${trunkline.url}${doors.chat.path}`, doors.chat.ask(model))
    expect([chat.status, await chat.text()]).toEqual([401, expect.stringContaining(words)])
  })

  test('a call is a 401 that says what to set, in the words of the client', async () => {
    await using trunkline = await startTest()
    const chat = await post(`${trunkline.url}${doors.chat.path}`, doors.chat.ask('groq/llama'))
    expect(chat.status).toBe(401)
    expect(await chat.json()).toMatchObject({
      error: { code: 'invalid_api_key', message: expect.stringMatching(/groq\/….*GROQ_API_KEY.*OPENAI_API_KEY/) },
    })
    const message = await post(`${trunkline.url}${doors.messages.path}`, doors.messages.ask('claude-x'))
    expect(message.status).toBe(401)
    expect(await message.json()).toMatchObject({
      type: 'error',
      error: { type: 'authentication_error', message: expect.stringContaining('ANTHROPIC_API_KEY') },
    })
  })

  test('a provider whose address is unknown is not guessed', async () => {
    await using trunkline = await startTest({ environment: { AZURE_OPENAI_API_KEY: 'k' } })
    const response = await post(`${trunkline.url}${doors.chat.path}`, doors.chat.ask('azure/gpt-5'))
    expect(response.status).toBe(401)
    expect(await response.text()).toContain('set providers.azure.resource')
  })
})
