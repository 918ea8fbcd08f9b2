/** What Anthropic and Bedrock both refuse in a conversation. */
import { isBlank, isUnique, type Rule } from './requests-rule.ts'
import type { Wire } from './requests-targets.ts'

export interface Blocks {
  readonly callOf: (block: Wire) => string | undefined
  readonly resultOf: (block: Wire) => string | undefined
  readonly takesSystem?: boolean
}

/** Roles alternate; all results of a turn's calls stand in the next turn, before anything else. */
export function conversation(messages: readonly Wire[], rule: Rule, { callOf, resultOf, takesSystem }: Blocks): void {
  const seen: string[] = []
  let open: string[] = []
  let before = ''
  for (const { role, content } of messages) {
    rule(role === 'user' || role === 'assistant' || (role === 'system' && takesSystem), 'a role')
    rule(role !== before || role === 'system', 'a role twice in a row')
    rule(Array.isArray(content) ? content.length > 0 : !isBlank(content), 'no content')
    before = role
    const asked = content.map(callOf).filter(Boolean)
    const answered = content.map(resultOf).filter(Boolean)
    rule([...answered].sort().join() === [...open].sort().join(), 'results that are not those of the calls before')
    const first = content.findIndex((block: Wire) => resultOf(block) === undefined && !block.cachePoint)
    rule(
      first < 0 || content.slice(first).every((block: Wire) => resultOf(block) === undefined),
      'a result behind something else',
    )
    rule(role === 'assistant' || asked.length === 0, 'a call of the user')
    seen.push(...asked)
    open = asked
  }
  rule(open.length === 0, 'a call without its result')
  rule(isUnique(seen), 'an id twice')
}
