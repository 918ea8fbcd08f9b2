import { anthropicMessages } from './anthropic-messages/anthropic-messages.ts'
import { bedrockConverse } from './bedrock-converse/bedrock-converse.ts'
import { bedrockInvoke } from './bedrock-invoke/bedrock-invoke.ts'
import type { Dialect } from './dialect.ts'
import { gemini } from './gemini/gemini.ts'
import { ollama } from './ollama/ollama.ts'
import { openaiChat } from './openai-chat/openai-chat.ts'
import { openaiResponses } from './openai-responses/openai-responses.ts'
import { vertexAnthropic } from './vertex-anthropic/vertex-anthropic.ts'

/** Every wire format that a client or a provider may speak. */
export const dialects = {
  'anthropic-messages': anthropicMessages,
  'bedrock-converse': bedrockConverse,
  'bedrock-invoke': bedrockInvoke,
  gemini,
  ollama,
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'vertex-anthropic': vertexAnthropic,
} satisfies Record<string, Dialect>

export type DialectName = keyof typeof dialects

export const dialectNamed = (name: string): Dialect | undefined =>
  Object.hasOwn(dialects, name) ? dialects[name as DialectName] : undefined
