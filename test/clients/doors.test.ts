import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, describe, expect, test } from 'vitest'
import { prompts, sayings, used } from '../support/speaking/script.ts'
import { startSpeakingUpstream } from '../support/speaking-upstream.ts'
import { startTest } from '../support/trunkline.ts'

/** What vendors' SDKs ask for besides answers: answers that were kept, and counts of tokens. */

const upstream = await startSpeakingUpstream()
const trunkline = await startTest({
  settings: {
    'providers.openai.base_url': `${upstream.url}/v1`,
    'providers.openai.api_key': 'key',
    'providers.anthropic.base_url': upstream.url,
    'providers.anthropic.api_key': 'key',
    'providers.gemini.base_url': `${upstream.url}/v1beta`,
    'providers.gemini.api_key': 'key',
  },
})
afterAll(async () => {
  await trunkline.stop()
  await upstream.close()
})

const openai = new OpenAI({ baseURL: `${trunkline.url}/v1`, apiKey: 'any', maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: `${trunkline.url}/anthropic`, apiKey: 'any', maxRetries: 0 })
const genai = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: `${trunkline.url}/gemini` } })

/** OpenAI keeps its answers itself; for the others we do. */
for (const model of ['openai/gpt-5', 'anthropic/claude-sonnet-4-5', 'gemini/gemini-2.5-flash']) {
  describe(`an answer of ${model} that is kept`, () => {
    const ask = (more: object = {}): Promise<OpenAI.Responses.Response> =>
      openai.responses.create({ model, input: prompts.hello, ...more }) as Promise<OpenAI.Responses.Response>

    test('can be seen again, with what led to it', async () => {
      const answer = await ask()
      const again = await openai.responses.retrieve(answer.id)
      expect(again.output).toEqual(answer.output)
      expect(again.output_text).toBe(sayings.hello)
      const items = await openai.responses.inputItems.list(answer.id)
      expect(items.data).toMatchObject([{ type: 'message', role: 'user' }])
    })

    test('is streamed and kept alike', async () => {
      const stream = openai.responses.stream({ model, input: prompts.hello })
      const answer = await stream.finalResponse()
      expect((await openai.responses.retrieve(answer.id)).output_text).toBe(sayings.hello)
    })

    test('is gone when it has been deleted', async () => {
      const { id } = await ask()
      await openai.responses.delete(id)
      await expect(openai.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
      await expect(ask({ previous_response_id: id })).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    })

    test('is not kept when nobody wants it', async () => {
      const { id } = await ask({ store: false })
      await expect(openai.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    })

    test('cannot be cancelled when it is there', async () => {
      const { id } = await ask()
      await expect(openai.responses.cancel(id)).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    })
  })
}

describe('a count of tokens', () => {
  const messages = [{ role: 'user' as const, content: prompts.hello }]
  const tools = [{ name: 'get_time', input_schema: { type: 'object' as const } }]

  test.each(['anthropic/claude-sonnet-4-5', 'gemini/gemini-2.5-flash'])(
    'for a client of Anthropic, by %s',
    async (model) => {
      const asked = { model, system: 'You are a parrot.', messages, tools }
      expect(await anthropic.messages.countTokens(asked)).toMatchObject({ input_tokens: used.uncached })
    },
  )

  test.each(['anthropic/claude-sonnet-4-5', 'gemini/gemini-2.5-flash'])(
    'for a client of Google, by %s',
    async (model) => {
      expect((await genai.models.countTokens({ model, contents: prompts.hello })).totalTokens).toBe(used.uncached)
    },
  )

  test('is estimated where the vendor does not count', async () => {
    const { input_tokens } = await anthropic.messages.countTokens({ model: 'openai/gpt-4.1', messages })
    expect(input_tokens).toBeGreaterThan(1)
    expect((await genai.models.countTokens({ model: 'openai/gpt-4.1', contents: prompts.hello })).totalTokens).toBe(
      input_tokens,
    )
  })
})
