import { anthropicMessages } from '../dialects/anthropic-messages/anthropic-messages.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { gemini } from '../dialects/gemini/gemini.ts'
import { openaiChat } from '../dialects/openai-chat/openai-chat.ts'
import { openaiResponses } from '../dialects/openai-responses/openai-responses.ts'
import type { Door, Exchange } from '../http/exchange.ts'
import { jsonArray } from '../http/json-array.ts'
import { type CountDeps, type CountDoor, countDoor, countTokens } from './count-tokens.ts'
import { geminiAddress, geminiPrefixes } from './gemini-address.ts'
import { type Address, type ChatDoor, chatDoor } from './inference.ts'
import { type ResponsesDeps, withState } from './responses.ts'

/** Every path at which a chat may be asked for or counted, each with the dialect of those who ask there. */
export function chatDoors(deps: ResponsesDeps & CountDeps): Door[] {
  const chats: readonly ChatDoor[] = [
    { path: '/v1/chat/completions', dialect: openaiChat, vendor: 'openai' },
    { path: '/v1/responses', dialect: openaiResponses, vendor: 'openai', prepare: withState(deps) },
    { path: '/v1/messages', dialect: anthropicMessages, vendor: 'anthropic' },
    { path: '/anthropic/v1/messages', dialect: anthropicMessages, vendor: 'anthropic' },
  ]
  const counts: readonly CountDoor[] = ['/v1/messages/count_tokens', '/anthropic/v1/messages/count_tokens'].map(
    (path) => ({ path, dialect: anthropicMessages, vendor: 'anthropic' }),
  )
  return [
    ...chats.map((door) => chatDoor(door, deps)),
    ...counts.map((door) => countDoor(door, deps)),
    ...geminiPrefixes.map((path) => geminiDoor(path, deps)),
  ]
}

/** The model and what is wanted of it stand in the address: one door for all of them. */
function geminiDoor(path: string, deps: ResponsesDeps & CountDeps): Door {
  const door = { path, dialect: gemini, vendor: 'gemini' }
  const chat = chatDoor({ ...door, address: addressOf }, deps)
  return {
    ...chat,
    handle(exchange) {
      const { verb, model } = geminiAddress(exchange)
      return verb === 'countTokens' ? countTokens(exchange, door, model, deps) : chat.handle(exchange)
    },
  }
}

function addressOf(exchange: Exchange): Address {
  const { model, stream, sse } = geminiAddress(exchange)
  return { asked: { model, stream }, ...(stream && !sse && { framing: jsonArray }) }
}

/** In whose words an error is told at a path where no call has begun. */
export function dialectAt(path: string): Dialect {
  if (path.startsWith('/gemini/')) return gemini
  if (path.startsWith('/anthropic/') || path.startsWith('/v1/messages')) return anthropicMessages
  return openaiChat
}
