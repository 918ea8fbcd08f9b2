import type { WireMessage } from './turns.ts'
import type { Block } from './wire.ts'

/** As many places as Claude keeps for one request. */
const most = 4

const marksIn = (blocks: readonly Block[]): number => blocks.filter((block) => block.cache_control !== undefined).length

/** Of too many marks in messages, the earliest go: a later one reaches further. */
export function limitMarks(before: readonly Block[], messages: readonly WireMessage[]): readonly WireMessage[] {
  let tooMany = messages.reduce((sum, { content }) => sum + marksIn(content), marksIn(before)) - most
  if (tooMany <= 0) return messages
  return messages.map((message) => ({
    ...message,
    content: message.content.map((block) => {
      if (tooMany <= 0 || block.cache_control === undefined) return block
      tooMany--
      const { cache_control: _, ...rest } = block
      return rest
    }),
  }))
}
