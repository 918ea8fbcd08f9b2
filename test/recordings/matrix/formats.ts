import type { Dialect } from '../../../src/dialects/dialect.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { type Api, type Exchange, load, responseBytes } from '../../support/recordings.ts'
import { anthropicMessages } from './oracle/anthropic-messages.ts'
import { bedrockConverse } from './oracle/bedrock-converse.ts'
import { gemini } from './oracle/gemini.ts'
import { ollama } from './oracle/ollama.ts'
import { openaiChat } from './oracle/openai-chat.ts'
import { openaiResponses } from './oracle/openai-responses.ts'
import type { Oracle, WireEvent } from './oracle/said.ts'
import { obj, type Tree } from './oracle/tree.ts'

/** A wire format of chats: the dialect that speaks it, and a reader that shares no code with it. */
export interface Format {
  readonly dialect: string
  readonly oracle: Oracle
}

const claudeOnBedrock: Format = { dialect: 'bedrock-invoke', oracle: anthropicMessages }

const formats: Partial<Record<Api, Format>> = {
  'openai.chat': { dialect: 'openai-chat', oracle: openaiChat },
  'openai.responses': { dialect: 'openai-responses', oracle: openaiResponses },
  'anthropic.messages': { dialect: 'anthropic-messages', oracle: anthropicMessages },
  'vertex.anthropic': { dialect: 'vertex-anthropic', oracle: anthropicMessages },
  'gemini.generateContent': { dialect: 'gemini', oracle: gemini },
  'gemini.streamGenerateContent': { dialect: 'gemini', oracle: gemini },
  'bedrock.converse': { dialect: 'bedrock-converse', oracle: bedrockConverse },
  'bedrock.converse-stream': { dialect: 'bedrock-converse', oracle: bedrockConverse },
  'bedrock.invoke': claudeOnBedrock,
  'bedrock.invoke-stream': claudeOnBedrock,
  'ollama.chat': { dialect: 'ollama', oracle: ollama },
}

/** What has no part in translation, and why. */
const noChat: Partial<Record<Api, string>> = {
  'openai.responses.count': 'counts tokens, no chat',
  'openai.embeddings': 'embeddings, no chat',
  'openai.images': 'images, no chat',
  'anthropic.count_tokens': 'counts tokens, no chat',
  'vertex.embeddings': 'embeddings, no chat',
  'gemini.countTokens': 'counts tokens, no chat',
  'gemini.embedContent': 'embeddings, no chat',
  'gemini.batchEmbedContents': 'embeddings, no chat',
  'gemini.cachedContents': 'cached contents, no chat',
  'bedrock.count-tokens': 'counts tokens, no chat',
  models: 'a list of models, no chat',
}

/** The doors that answers are translated to. */
export const doors = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  gemini,
} as const satisfies Readonly<Record<string, Oracle>>

export type Door = keyof typeof doors
export const doorNames = Object.keys(doors) as readonly Door[]

export interface Chat extends Format {
  readonly exchange: Exchange
  readonly speaker: Dialect
}

/** Recordings that are not what their address says, and what is to be made of them. */
const mistaken: Readonly<Record<string, { readonly api: Api } | { readonly reason: string }>> = {
  // A chat completion that its project keeps among its Responses.
  'azure-reasoning-1-0-cc4c563c': { api: 'openai.chat' },
  'azure-reasoning-encrypted-content-1-0-f6b0ecf8': {
    reason: 'two streams that its project wrote one after the other into one file: no provider sends that',
  },
}

/** An exchange with who speaks it, or why it is no chat that can be translated. */
export function chatOf(id: string): Chat | string {
  const exchange = load(id)
  const odd = mistaken[id]
  const reason = odd && 'reason' in odd ? odd.reason : (noChat[exchange.api] ?? otherFamily(exchange))
  if (reason !== undefined) return reason
  const format = formats[odd && 'api' in odd ? odd.api : exchange.api]
  if (!format) return `nobody knows what ${exchange.api} is`
  return { ...format, exchange, speaker: dialectOf(format.dialect) }
}

export function dialectOf(name: string): Dialect {
  const dialect = (dialects as Readonly<Record<string, Dialect>>)[name]
  if (!dialect) throw new Error(`There is no dialect ${name}.`)
  return dialect
}

/** Bedrock's InvokeModel takes the body of the model's own family: of these only Claude's Messages are a chat of ours. */
function otherFamily({ api, model, request }: Exchange): string | undefined {
  if (!api.startsWith('bedrock.invoke')) return undefined
  const body = obj(request.body)
  if (/titan-embed/.test(model ?? '')) return 'embeddings, no chat'
  if (typeof body.prompt === 'string' && /claude/.test(model ?? ''))
    return "Claude's text completions, not its Messages"
  if (!/claude|invalid/.test(model ?? ''))
    return `InvokeModel in the words of ${(model ?? '').split('.')[0]}, not of Claude`
  return undefined
}

/** True where the recording has a stream, of whatever form. */
export const isStream = ({ streaming, response }: Exchange): boolean =>
  streaming || ('body' in response && Array.isArray(response.body))

/** The answer as parsed JSON, where it is whole. */
export const bodyOf = ({ response }: Exchange): unknown => ('body' in response ? response.body : undefined)

/** A stream's events, read from its bytes by a reader that knows only what the oracles need. */
export function eventsOf(exchange: Exchange): readonly WireEvent[] {
  const { response, api } = exchange
  if ('events' in response)
    return response.events.map(({ headers, payload }) =>
      awsEvent(headers, payload as Tree, api === 'bedrock.invoke-stream'),
    )
  if ('body' in response && Array.isArray(response.body)) return response.body.map((data) => ({ data }))
  const text = responseBytes(exchange).toString('utf8')
  return api === 'ollama.chat' ? lines(text) : serverSent(text)
}

function awsEvent(headers: Readonly<Record<string, string>>, payload: Tree, isInvoke: boolean): WireEvent {
  const event = headers[':event-type'] ?? `${headers[':message-type']}:${headers[':exception-type']}`
  if (!isInvoke || event !== 'chunk') return { event, data: payload }
  return { data: JSON.parse(Buffer.from(String(payload.bytes), 'base64').toString('utf8')) }
}

const lines = (text: string): WireEvent[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ data: JSON.parse(line) }))

/** Server-sent events whose data is JSON; marks such as `[DONE]` are left out. */
export function serverSent(text: string): WireEvent[] {
  const events: WireEvent[] = []
  for (const block of text.split(/\r?\n\r?\n/)) {
    let event: string | undefined
    const data: string[] = []
    for (const line of block.split(/\r?\n/)) {
      if (line.startsWith('event:')) event = line.slice(6).trim()
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    }
    const joined = data.join('\n').trim()
    if (joined === '' || joined === '[DONE]') continue
    events.push({ ...(event !== undefined && { event }), data: JSON.parse(joined) })
  }
  return events
}
