/** What Anthropic refuses. */
import { isBase64, isBlank, isObject, type Rule } from './requests-rule.ts'
import { type Blocks, conversation } from './requests-rules-blocks.ts'
import type { Target, Wire } from './requests-targets.ts'

const anthropicBlocks: Blocks = {
  callOf: (block) => (block.type === 'tool_use' ? block.id : undefined),
  resultOf: (block) => (block.type === 'tool_result' ? block.tool_use_id : undefined),
}

export function anthropicRules(body: Wire, rule: Rule, { model }: Target): void {
  const { messages, system, tools, tool_choice: choice, thinking, max_tokens: limit } = body
  rule(Number.isInteger(limit) && limit >= 1, 'no limit')
  rule(messages[0]?.role === 'user', 'it does not begin with the user')
  rule(
    system === undefined ||
      (typeof system === 'string'
        ? !isBlank(system)
        : system.length > 0 && system.every(({ text }: Wire) => !isBlank(text))),
    'blank instructions',
  )
  rule(tools === undefined || tools.length > 0, 'an empty list of tools')
  rule(tools || choice === undefined, 'a choice without tools')
  rule(choice?.type !== 'tool' || tools.some(({ name }: Wire) => name === choice.name), 'a choice of no tool')
  for (const one of tools ?? []) {
    rule(/^[a-zA-Z0-9_-]{1,128}$/.test(one.name), 'the name of a tool')
    rule(
      one.type?.includes('_20') || (one.input_schema?.type === 'object' && !one.input_schema.anyOf),
      'the schema of a tool',
    )
  }
  for (const name of Object.keys(body))
    rule(
      [
        'model',
        'max_tokens',
        'system',
        'messages',
        'tools',
        'tool_choice',
        'thinking',
        'output_config',
        'stop_sequences',
        'temperature',
        'top_p',
        'top_k',
        'metadata',
        'service_tier',
        'stream',
      ].includes(name),
      `the unknown field ${name}`,
    )
  rule(
    (body.stop_sequences ?? ['x']).length > 0 && (body.stop_sequences ?? []).every((one: string) => !isBlank(one)),
    'a blank stop',
  )
  rule(body.temperature === undefined || (body.temperature >= 0 && body.temperature <= 1), 'temperature')
  if (/-5$/.test(model))
    rule(body.temperature === undefined && body.top_p === undefined && body.top_k === undefined, 'sampling')
  if (/4-5/.test(model)) rule(body.temperature === undefined || body.top_p === undefined, 'temperature and top_p')
  if (/3-5/.test(model)) rule(!thinking && !body.output_config, 'thinking')
  rule(
    thinking?.type !== 'enabled' ||
      (/4-5/.test(model) && thinking.budget_tokens >= 1024 && thinking.budget_tokens < limit),
    'the budget',
  )
  const thinks = thinking && thinking.type !== 'disabled'
  rule(
    !(thinks && thinking.type === 'enabled' && (choice?.type === 'any' || choice?.type === 'tool')),
    'thinking with a forced call',
  )
  rule(!thinks || ((body.temperature ?? 1) === 1 && body.top_k === undefined), 'sampling while thinking')
  conversation(messages, rule, {
    ...anthropicBlocks,
    takesSystem: /-5$/.test(model) && !/4-5/.test(model),
  })
  for (const { role, content } of messages) for (const block of content) anthropicBlock(block, role, rule)
  const last = messages.at(-1)
  rule(
    last?.role !== 'assistant' || (!/-5$/.test(model) && !/\s$/.test(last.content.at(-1).text ?? '')),
    'a beginning of the answer',
  )
  if (thinking?.type === 'enabled') rule(!inCallsWithoutThoughts(messages), 'calls without thoughts')
  rule((JSON.stringify(body).match(/"cache_control"/g) ?? []).length <= 4, 'too many marks')
}

function anthropicBlock(block: Wire, role: string, rule: Rule): void {
  switch (block.type) {
    case 'text':
      rule(!isBlank(block.text), 'a blank text')
      return
    case 'image':
      rule(role === 'user', 'a picture of the assistant')
      if (block.source.type === 'base64')
        rule(/^image\/(png|jpeg|gif|webp)$/.test(block.source.media_type) && isBase64(block.source.data), 'a picture')
      return
    case 'document':
      if (block.source.type === 'base64')
        rule(block.source.media_type === 'application/pdf' && isBase64(block.source.data), 'a document')
      return
    case 'tool_use':
      rule(/^[a-zA-Z0-9_-]+$/.test(block.id) && /^[a-zA-Z0-9_-]{1,128}$/.test(block.name), 'an id or a name')
      rule(isObject(block.input), 'input')
      return
    case 'tool_result':
      for (const one of Array.isArray(block.content) ? block.content : []) anthropicBlock(one, 'user', rule)
      return
    case 'thinking':
      rule(role === 'assistant' && block.signature && !block.cache_control, 'a thought')
      return
    case 'redacted_thinking':
      rule(role === 'assistant' && block.data, 'a thought')
      return
    default:
      rule(false, `a block ${block.type}`)
  }
}

/** Whether the turn that goes on has calls, and no thoughts at its beginning. */
function inCallsWithoutThoughts(messages: readonly Wire[]): boolean {
  const isResult = (block: Wire) => block.type === 'tool_result'
  const said = messages.findLastIndex(({ role, content }) => role === 'user' && !content.some(isResult))
  const turn = messages.slice(said + 1).flatMap(({ role, content }) => (role === 'assistant' ? content : []))
  return turn.some(({ type }) => type === 'tool_use') && !/thinking/.test(turn[0].type)
}
