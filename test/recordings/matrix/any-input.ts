/** Whatever may come from outside, and who is to take it. */
import { expect } from 'vitest'
import type { ChatRequest } from '../../../src/core/chat.ts'
import { GatewayError } from '../../../src/core/error.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { dialects } from '../../../src/dialects/index.ts'

export const speakers = Object.entries(dialects as Readonly<Record<string, Dialect>>)
export const asked = { model: 'a-model', stream: true }
export const bare: ChatRequest = { ...asked, messages: [], tools: [], settings: { includeUsage: true } }

/** The same cases in every run; another seed looks for others. */
export const seed = Number(process.env.TRUNKLINE_TEST_SEED ?? 20_261_123)

/** Runs it and lets errors of ours pass: any other is our bug. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (thrown) {
    if (thrown instanceof GatewayError) return undefined
    throw thrown
  }
}

/** Names from outside never become members of what all objects share. */
export function expectCleanPrototype(): void {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
}

/** Words of all wire formats, so that arbitrary JSON comes closer to what they look for. */
export const words: readonly string[] = `
  messages role content text type tool_calls function arguments name id index choices delta message usage
  finish_reason parts contents candidates functionCall args functionResponse response thought thoughtSignature
  output input content_block content_block_start content_block_delta message_start message_delta message_stop
  text_delta input_json_delta tool_use tool_result toolUse toolResult reasoningContent reasoning summary
  annotations error status item output_index part response.completed response.output_item.added
  response.output_text.delta usageMetadata groundingMetadata user assistant system tool image_url url source
  data __proto__ constructor polluted stop tools tool_choice parameters
`
  .trim()
  .split(/\s+/)
