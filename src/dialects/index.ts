import type { Dialect } from './dialect.ts'
import { openaiChat } from './openai-chat/openai-chat.ts'

/** Every wire format that a client or a provider may speak. */
export const dialects = {
  'openai-chat': openaiChat,
} satisfies Record<string, Dialect>

export type DialectName = keyof typeof dialects

export const dialectNamed = (name: string): Dialect | undefined =>
  Object.hasOwn(dialects, name) ? dialects[name as DialectName] : undefined
