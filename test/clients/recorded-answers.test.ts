/**
 * Every recorded answer, streamed through every door, as the official SDK of that door reads it: the SDK takes each event,
 * and what it has in the end is what the provider said. That the answers are right is shown by the matrix, which reads
 * them with readers of its own; here the vendors' own code says whether they can be read.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { disassemble } from '../../src/core/chat-events.ts'
import { runStep } from '../../src/core/steps.ts'
import {
  bodyOf,
  type Chat,
  chatOf,
  type Door,
  dialectOf,
  doorNames,
  doors,
  isStream,
  serverSent,
} from '../recordings/matrix/formats.ts'
import type { Said } from '../recordings/matrix/oracle/said.ts'
import { meaning, obj } from '../recordings/matrix/oracle/tree.ts'
import { whyNoAnswer } from '../recordings/matrix/round-trip.ts'
import { differences } from '../recordings/matrix/same.ts'
import { contextOf, decodedStream, eventsWithCallIds, requestOf } from '../recordings/matrix/translate.ts'
import { index, noRecordings, recordingsFolder } from '../support/recordings.ts'

const here = recordingsFolder() !== undefined
const chats = here
  ? index().flatMap(({ id }) => {
      const chat = chatOf(id)
      return typeof chat === 'string' || whyNoAnswer(chat) !== undefined ? [] : [chat]
    })
  : []

/** Answers whatever it is asked with the stream that is set. */
let stream = Buffer.alloc(0)
const server = createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end(stream)
})
let url = ''

beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

const hello = [{ role: 'user' as const, content: 'Hello' }]

/** Asks as a user of the SDK does and gives what the SDK has when the stream has ended. */
const readers: Readonly<Record<Door, () => Promise<unknown>>> = {
  'openai-chat': () => {
    const client = new OpenAI({ apiKey: 'a-key', baseURL: `${url}/v1`, maxRetries: 0 })
    return client.chat.completions.stream({ model: 'a-model', messages: hello }).finalChatCompletion()
  },
  'openai-responses': () => {
    const client = new OpenAI({ apiKey: 'a-key', baseURL: `${url}/v1`, maxRetries: 0 })
    return client.responses.stream({ model: 'a-model', input: 'Hello' }).finalResponse()
  },
  'anthropic-messages': () => {
    const client = new Anthropic({ apiKey: 'a-key', baseURL: url, maxRetries: 0 })
    return client.messages.stream({ model: 'a-model', max_tokens: 1000, messages: hello }).finalMessage()
  },
  async gemini() {
    const client = new GoogleGenAI({ apiKey: 'a-key', httpOptions: { baseUrl: url } })
    const chunks = []
    for await (const chunk of await client.models.generateContentStream({ model: 'a-model', contents: 'Hello' })) {
      chunks.push({ data: JSON.parse(JSON.stringify(chunk)) })
    }
    return doors.gemini.fold(chunks)
  },
}

if (!here) test.skip(`recorded answers in the vendors' SDKs: ${noRecordings}`, () => undefined)

describe.skipIf(!here)("recorded answers in the vendors' SDKs", () => {
  for (const door of doorNames) {
    test(`${chats.length} through ${door}`, { timeout: 60_000 }, async () => {
      const faults: string[] = []
      for (const chat of chats)
        faults.push(...(await faultsOf(chat, door)).map((fault) => `${chat.exchange.id}: ${fault}`))
      expect(faults).toEqual([])
    })
  }
})

async function faultsOf(chat: Chat, door: Door): Promise<readonly string[]> {
  const { exchange, speaker } = chat
  const target = dialectOf(door)
  const events = isStream(exchange) ? decodedStream(chat) : [...disassemble(speaker.decodeAnswer(bodyOf(exchange)))]
  const frames = runStep(
    target.encodeStream(contextOf({ ...requestOf(chat), stream: true })),
    eventsWithCallIds(events),
  )
  stream = Buffer.concat(frames.map((frame) => target.framing.write(frame)))
  const oracle = doors[door]
  try {
    const read = oracle.said(obj(JSON.parse(JSON.stringify(await readers[door]()))))
    const told = oracle.said(oracle.fold(serverSent(stream.toString('utf8'))))
    return differences(plain(read, chat, door), plain(told, chat, door))
  } catch (thrown) {
    return [`the SDK throws ${String(thrown).slice(0, 200)}`]
  }
}

/**
 * Without what an SDK leaves out of the fields that it does not know. Clients of a host that speaks their dialect get what
 * the host itself says: OpenAI's SDK makes no text of Mistral's thoughts in parts, and Google's takes the citations of
 * Vertex for none.
 */
function plain({ choices, usage }: Said, { exchange, dialect }: Chat, door: Door): unknown {
  const isOwn = dialect === door
  return {
    usage,
    choices: choices.map(({ text, refusal, calls, finish, links }) => ({
      text: isOwn && exchange.provider === 'mistral' ? text.replaceAll('[object Object]', '') : text,
      refusal,
      finish,
      links: isOwn && exchange.provider === 'vertex' ? [] : links,
      calls: calls.map(({ name, args }) => ({ name, args: meaning(args) })),
    })),
  }
}
