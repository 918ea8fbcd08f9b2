/** A client that keeps of an answer only its text and its calls goes on with another provider. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startTest } from '../support/trunkline.ts'

const thinking = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content: [
    { type: 'thinking', thinking: 'Hm.', signature: 'c2lnbmVk' },
    { type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: 1 } },
  ],
  stop_reason: 'tool_use',
  usage: { input_tokens: 1, output_tokens: 2 },
}

test('thoughts that only the gateway had are no loss to it, strict or not', async () => {
  const bodies: { messages: { content: unknown }[] }[] = []
  await using provider = createServer(async (req, res) => {
    bodies.push(JSON.parse((await req.toArray()).join('')))
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(thinking))
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const { port } = provider.address() as AddressInfo
  await using trunkline = await startTest({
    settings: { 'providers.anthropic.base_url': `http://127.0.0.1:${port}` },
  })
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }]
  const ask = (model: string, messages: object[]): Promise<Response> =>
    fetch(`${trunkline.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-trunkline-strict': 'true' },
      body: JSON.stringify({ model, messages, tools, max_completion_tokens: 100 }),
    })
  const question = { role: 'user', content: 'Look.' }
  const first = (await (await ask('anthropic/claude', [question])).json()) as {
    choices: { message: { tool_calls: object[] } }[]
  }
  const { tool_calls } = first.choices[0]?.message ?? {}
  const turn = [
    question,
    { role: 'assistant', content: null, tool_calls },
    { role: 'tool', tool_call_id: 'toolu_1', content: 'Seen.' },
  ]
  const elsewhere = await ask('mock/echo', turn)
  expect([elsewhere.status, elsewhere.headers.get('x-trunkline-dropped')]).toEqual([200, null])
  expect((await ask('anthropic/claude', turn)).status).toBe(200)
  expect(bodies.at(-1)?.messages[1]?.content).toMatchObject([
    { type: 'thinking', signature: 'c2lnbmVk' },
    { type: 'tool_use', id: 'toolu_1' },
  ])
})
