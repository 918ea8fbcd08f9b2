/** What Bedrock's Converse refuses. */
import { isBase64, isBlank, isObject, isUnique, keys, type Rule } from './requests-rule.ts'
import { type Blocks, conversation } from './requests-rules-blocks.ts'
import type { Target, Wire } from './requests-targets.ts'

const bedrockBlocks: Blocks = {
  callOf: (block) => block.toolUse?.toolUseId,
  resultOf: (block) => block.toolResult?.toolUseId,
}

export function bedrockRules(body: Wire, rule: Rule, { model }: Target): void {
  const { messages, system, toolConfig, inferenceConfig: config } = body
  const isClaude = /claude/.test(model)
  for (const name of Object.keys(body))
    rule(
      [
        'messages',
        'system',
        'inferenceConfig',
        'toolConfig',
        'outputConfig',
        'additionalModelRequestFields',
        'requestMetadata',
        'serviceTier',
      ].includes(name),
      `the unknown field ${name}`,
    )
  rule(config === undefined || keys(config) !== '', 'an empty inferenceConfig')
  rule(
    system === undefined || (system.length > 0 && system.every((one: Wire) => one.cachePoint || !isBlank(one.text))),
    'blank instructions',
  )
  rule(messages[0]?.role === 'user', 'it does not begin with the user')
  conversation(messages, rule, { ...bedrockBlocks, takesSystem: /sonnet-5$/.test(model) })
  const all = messages.flatMap(({ content }: Wire) => content)
  rule(toolConfig || !all.some((block: Wire) => block.toolUse || block.toolResult), 'no toolConfig')
  rule(!toolConfig || toolConfig.tools.some((one: Wire) => !one.cachePoint), 'an empty list of tools')
  for (const one of toolConfig?.tools ?? []) {
    if (!one.toolSpec) continue
    rule(/^[a-zA-Z0-9_-]{1,64}$/.test(one.toolSpec.name), 'the name of a tool')
    rule(one.toolSpec.inputSchema.json.type === 'object', 'the schema of a tool')
    rule(one.toolSpec.description !== '', 'an empty description')
  }
  const choice = toolConfig?.toolChoice
  rule(!choice || ['auto', 'any', 'tool'].includes(keys(choice)), 'a choice of tools')
  rule(
    !choice?.tool || toolConfig.tools.some((one: Wire) => one.toolSpec?.name === choice.tool.name),
    'a choice of no tool',
  )
  rule((config?.temperature ?? 0) <= 1, 'temperature')
  rule(
    (config?.stopSequences ?? []).every((one: string) => !isBlank(one)),
    'a blank stop',
  )
  rule(config?.maxTokens === undefined || config.maxTokens >= 1, 'a limit')
  const thinking = body.additionalModelRequestFields?.thinking
  rule(!thinking || isClaude, 'thinking')
  if (thinking?.type === 'enabled') {
    rule(
      thinking.budget_tokens >= 1024 && (config?.maxTokens === undefined || thinking.budget_tokens < config.maxTokens),
      'the budget',
    )
    rule(!choice || choice.auto, 'thinking with a forced call')
    rule((config?.temperature ?? 1) === 1, 'sampling while thinking')
  }
  const names: string[] = []
  for (const { role, content } of messages) {
    for (const block of content) {
      rule(Object.keys(block).length === 1, 'a block of two kinds')
      if (block.text !== undefined) rule(!isBlank(block.text), 'a blank text')
      if (block.image)
        rule(
          ['png', 'jpeg', 'gif', 'webp'].includes(block.image.format) && isBase64(block.image.source.bytes),
          'a picture',
        )
      if (block.document) {
        names.push(block.document.name)
        rule(/^[a-zA-Z0-9()[\]-]+( [a-zA-Z0-9()[\]-]+)*$/.test(block.document.name), 'the name of a document')
        rule(
          content.some((one: Wire) => one.text !== undefined),
          'a document without words',
        )
      }
      if (block.toolUse) {
        rule(role === 'assistant', 'a call of the user')
        rule(isObject(block.toolUse.input), 'input')
        rule(
          /^[a-zA-Z0-9_-]{1,64}$/.test(block.toolUse.toolUseId) && /^[a-zA-Z0-9_-]{1,64}$/.test(block.toolUse.name),
          'an id or a name',
        )
        if (/mistral/.test(model)) rule(/^[a-zA-Z0-9]{9}$/.test(block.toolUse.toolUseId), 'an id that Mistral refuses')
      }
      for (const one of block.toolResult?.content ?? []) {
        rule(Object.keys(one).length === 1, 'a block of two kinds')
        if (/llama|mistral/.test(model)) rule(one.text !== undefined || one.json !== undefined, 'media in a result')
      }
      rule(!block.reasoningContent || isClaude, 'thoughts')
    }
  }
  rule(isUnique(names), 'a name twice')
  const last = messages.at(-1)
  rule(last?.role !== 'assistant' || /nova|claude-3/.test(model) || /4-5/.test(model), 'a beginning of the answer')
  if (last?.role === 'assistant') rule(!/\s$/.test(last.content.at(-1).text ?? ''), 'blanks at the end')
}
