/** What providers refuse, as their documentation and their 400s have it. */
import type { Target, Wire } from './requests-targets.ts'

type Fault = string

/** The rules that a request breaks; none when its provider would take it. */
export function rulesBroken(target: Target, body: Wire): readonly Fault[] {
  const faults: Fault[] = []
  const rule = (holds: unknown, fault: Fault): void => {
    if (!holds) faults.push(fault)
  }
  byDialect[target.dialect as keyof typeof byDialect](body, rule, target)
  return [...new Set(faults)]
}

type Rule = (holds: unknown, fault: Fault) => void

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const isBlank = (text: unknown): boolean => typeof text !== 'string' || text.trim() === ''
const isUnique = (all: readonly unknown[]): boolean => new Set(all).size === all.length
const keys = (value: object): string => Object.keys(value).join()
const isBase64 = (text: unknown): boolean =>
  typeof text === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0

const byDialect = {
  'openai-chat'(body: Wire, rule: Rule, { provider, model }: Target): void {
    const { messages, tools } = body
    rule(messages.length > 0, 'no messages')
    rule(!(body.max_tokens !== undefined && body.max_completion_tokens !== undefined), 'two limits')
    rule(tools === undefined || tools.length > 0, 'an empty list of tools')
    rule(tools?.length > 0 || body.tool_choice === undefined, 'a choice without tools')
    rule(tools?.length > 0 || body.parallel_tool_calls === undefined, 'parallel calls without tools')
    rule(body.stream || body.stream_options === undefined, 'stream_options without stream')
    rule(body.stop === undefined || (body.stop.length >= 1 && body.stop.length <= 4), 'stops')
    for (const one of tools ?? [])
      rule(/^[a-zA-Z0-9_-]{1,64}$/.test((one.function ?? one.custom).name), 'the name of a tool')
    if (provider === 'openai') {
      rule(!('reasoning_content' in body), 'an unknown field')
      rule(/gpt-5/.test(model) ? body.stop === undefined : body.reasoning_effort === undefined, 'a setting it refuses')
      rule(!JSON.stringify(messages).includes('cache_control'), 'a mark of the cache')
      rule(!JSON.stringify(messages).includes('reasoning'), 'thoughts')
    }
    let open: string[] = []
    for (const message of messages) {
      const { role, content, tool_calls, tool_call_id } = message
      if (role === 'tool') {
        rule(open.includes(tool_call_id), 'a result without its call')
        open = open.filter((id) => id !== tool_call_id)
        rule(typeof content === 'string' || content.every(({ type }: Wire) => type === 'text'), 'media in a result')
        continue
      }
      rule(open.length === 0, 'a call without its result')
      open = (tool_calls ?? []).map(({ id }: Wire) => id)
      rule(tool_calls === undefined || tool_calls.length > 0, 'an empty list of calls')
      rule(isUnique(open), 'an id twice in a turn')
      for (const call of tool_calls ?? []) {
        rule(typeof (call.function?.arguments ?? call.custom?.input) === 'string', 'arguments')
        rule(provider !== 'mistral' || /^[a-zA-Z0-9]{9}$/.test(call.id), 'an id that Mistral refuses')
        rule(provider !== 'openai' || (call.id !== '' && call.id.length <= 40), 'an id that OpenAI refuses')
      }
      if (role === 'assistant') rule(content || tool_calls || message.refusal || message.audio || content === '', 'null without calls')
      else rule(typeof content === 'string' || content.length > 0, 'no content')
      if (Array.isArray(content)) rule(content.length > 0, 'no content')
      for (const part of Array.isArray(content) ? content : [])
        rule(['text', 'image_url', 'input_audio', 'file', 'refusal', 'video_url', 'thinking'].includes(part.type), 'an unknown part')
    }
    rule(open.length === 0, 'a call without its result')
  },

  'openai-responses'(body: Wire, rule: Rule, { model }: Target): void {
    const { input, tools } = body
    const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
    rule(items.length > 0 || body.instructions, 'no input')
    rule(tools === undefined || tools.length > 0, 'an empty list of tools')
    rule(tools || body.tool_choice === undefined, 'a choice without tools')
    rule(body.max_output_tokens === undefined || body.max_output_tokens >= 16, 'a limit below 16')
    rule(body.store === false, 'it is kept at OpenAI')
    rule(/gpt-5/.test(model) || body.reasoning === undefined, 'a wish to think')
    const known = ['message', undefined, 'function_call', 'function_call_output', 'reasoning', 'custom_tool_call', 'custom_tool_call_output']
    const called = items.flatMap((item: Wire) => (/_call$/.test(item.type ?? '') ? [item.call_id] : []))
    const answered = items.flatMap((item: Wire) => (/_call_output$/.test(item.type ?? '') ? [item.call_id] : []))
    rule(answered.every((id: string) => called.includes(id)), 'a result without its call')
    rule(called.every((id: string) => answered.includes(id)), 'a call without its result')
    for (const [at, item] of items.entries()) {
      rule(known.includes(item.type), 'an unknown item')
      if (item.type === 'reasoning') rule(['function_call', undefined, 'message', 'reasoning'].includes(items[at + 1]?.type) && items[at + 1] && items[at + 1].role !== 'user', 'a thought without what it led to')
      if (item.type === 'function_call') rule(typeof item.arguments === 'string' && item.call_id && item.call_id.length <= 64, 'a call')
      for (const part of Array.isArray(item.content) ? item.content : [])
        rule(item.role === 'assistant' ? /^(output_text|refusal)$/.test(part.type) : /^input_(text|image|file)$/.test(part.type), 'a part')
      if (item.role) rule(item.content.length > 0, 'no content')
    }
  },

  'anthropic-messages'(body: Wire, rule: Rule, { model }: Target): void {
    const { messages, system, tools, tool_choice: choice, thinking, max_tokens: limit } = body
    rule(Number.isInteger(limit) && limit >= 1, 'no limit')
    rule(messages[0]?.role === 'user', 'it does not begin with the user')
    rule(system === undefined || (typeof system === 'string' ? !isBlank(system) : system.length > 0 && system.every(({ text }: Wire) => !isBlank(text))), 'blank instructions')
    rule(tools === undefined || tools.length > 0, 'an empty list of tools')
    rule(tools || choice === undefined, 'a choice without tools')
    rule(choice?.type !== 'tool' || tools.some(({ name }: Wire) => name === choice.name), 'a choice of no tool')
    for (const one of tools ?? []) {
      rule(/^[a-zA-Z0-9_-]{1,128}$/.test(one.name), 'the name of a tool')
      rule(one.type?.includes('_20') || (one.input_schema?.type === 'object' && !one.input_schema.anyOf), 'the schema of a tool')
    }
    for (const name of Object.keys(body))
      rule(['model', 'max_tokens', 'system', 'messages', 'tools', 'tool_choice', 'thinking', 'output_config', 'stop_sequences', 'temperature', 'top_p', 'top_k', 'metadata', 'service_tier', 'stream'].includes(name), `the unknown field ${name}`)
    rule((body.stop_sequences ?? ['x']).length > 0 && (body.stop_sequences ?? []).every((one: string) => !isBlank(one)), 'a blank stop')
    rule(body.temperature === undefined || (body.temperature >= 0 && body.temperature <= 1), 'temperature')
    if (/-5$/.test(model)) rule(body.temperature === undefined && body.top_p === undefined && body.top_k === undefined, 'sampling')
    if (/4-5/.test(model)) rule(body.temperature === undefined || body.top_p === undefined, 'temperature and top_p')
    if (/3-5/.test(model)) rule(!thinking && !body.output_config, 'thinking')
    rule(thinking?.type !== 'enabled' || (/4-5/.test(model) && thinking.budget_tokens >= 1024 && thinking.budget_tokens < limit), 'the budget')
    const thinks = thinking && thinking.type !== 'disabled'
    rule(!(thinks && thinking.type === 'enabled' && (choice?.type === 'any' || choice?.type === 'tool')), 'thinking with a forced call')
    rule(!thinks || ((body.temperature ?? 1) === 1 && body.top_k === undefined), 'sampling while thinking')
    conversation(messages, rule, {
      ...anthropicBlocks,
      takesSystem: /-5$/.test(model) && !/4-5/.test(model),
    })
    for (const { role, content } of messages) for (const block of content) anthropicBlock(block, role, rule)
    const last = messages.at(-1)
    rule(last?.role !== 'assistant' || (!/-5$/.test(model) && !/\s$/.test(last.content.at(-1).text ?? '')), 'a beginning of the answer')
    if (thinking?.type === 'enabled') rule(!inCallsWithoutThoughts(messages), 'calls without thoughts')
    rule((JSON.stringify(body).match(/"cache_control"/g) ?? []).length <= 4, 'too many marks')
  },

  gemini(body: Wire, rule: Rule, { model }: Target): void {
    const { contents, systemInstruction, tools, toolConfig, generationConfig: config = {} } = body
    const isNew = /gemini-3/.test(model)
    rule(contents[0]?.role === 'user', 'it does not begin with the user')
    rule(systemInstruction === undefined || systemInstruction.parts.every(({ text }: Wire) => !isBlank(text)), 'blank instructions')
    rule(systemInstruction === undefined || !/gemma/.test(model), 'instructions')
    for (const name of Object.keys(body))
      rule(['contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'serviceTier'].includes(name), `the unknown field ${name}`)
    const declared = (tools ?? []).flatMap((one: Wire) => one.functionDeclarations ?? [])
    rule(tools === undefined || (tools.length > 0 && tools.every((one: object) => keys(one) !== '')), 'an empty list of tools')
    const calling = toolConfig?.functionCallingConfig
    rule(!calling || declared.length > 0, 'a choice without tools')
    rule(!calling?.allowedFunctionNames || ['ANY', 'VALIDATED'].includes(calling.mode), 'names with a mode that has none')
    for (const name of calling?.allowedFunctionNames ?? []) rule(declared.some((one: Wire) => one.name === name), 'a choice of no tool')
    for (const one of declared) {
      rule(/^[a-zA-Z_][\w.:-]{0,127}$/.test(one.name), 'the name of a tool')
      rule(!one.parameters || Object.keys(one.parameters.properties ?? {}).length > 0, 'an object without properties')
    }
    rule((config.stopSequences ?? ['x']).length > 0 && (config.stopSequences ?? []).length <= 5 && !(config.stopSequences ?? []).includes(''), 'stops')
    if (!isNew) rule(!(declared.length > 0 && config.responseMimeType === 'application/json'), 'a format with tools')
    const { thinkingConfig } = config
    rule(!thinkingConfig || /2\.5|gemini-3/.test(model), 'thinking')
    rule(!(thinkingConfig?.thinkingLevel && !isNew) && !(thinkingConfig?.thinkingBudget !== undefined && isNew), 'how it is to think')
    let before: Wire
    for (const [at, content] of contents.entries()) {
      const { role, parts } = content
      rule(role === 'user' || role === 'model', 'a role')
      rule(parts.length > 0, 'no parts')
      const asked = parts.flatMap((part: Wire) => (part.functionCall ? [part.functionCall] : []))
      const answers = parts.flatMap((part: Wire) => (part.functionResponse ? [part.functionResponse] : []))
      for (const part of parts) {
        rule(part.text !== '' || part.thoughtSignature, 'an empty text')
        rule(!part.inlineData || isBase64(part.inlineData.data), 'what is no base64')
        rule(keys(part).length > 0, 'an empty part')
      }
      for (const call of asked) rule(typeof call.name === 'string' && (call.args === undefined || isObject(call.args)), 'a call')
      for (const answer of answers) rule(isObject(answer.response) && answer.name, 'a result')
      rule(role === 'model' || asked.length === 0, 'a call of the user')
      rule(role === 'user' || answers.length === 0, 'a result of the model')
      if (asked.length > 0) {
        rule(before?.role === 'user', 'calls that follow no user')
        const next = (contents[at + 1]?.parts ?? []).flatMap((part: Wire) => (part.functionResponse ? [part.functionResponse.name] : []))
        rule(next.join() === asked.map(({ name }: Wire) => name).join(), 'not as many results as calls')
      }
      if (answers.length > 0) {
        rule(before?.parts.filter((part: Wire) => part.functionCall).length === answers.length, 'not as many results as calls')
        if (!isNew) rule(!parts.some((part: Wire) => part.inlineData), 'pictures beside results')
      }
      before = content
    }
    if (isNew) {
      const user = contents.findLastIndex(({ role, parts }: Wire) => role === 'user' && !parts.some((part: Wire) => part.functionResponse))
      for (const { role, parts } of contents.slice(user + 1)) {
        const call = role === 'model' && parts.find((part: Wire) => part.functionCall)
        rule(!call || call.thoughtSignature, 'a call without a signature')
      }
    }
  },

  'bedrock-converse'(body: Wire, rule: Rule, { model }: Target): void {
    const { messages, system, toolConfig, inferenceConfig: config } = body
    const isClaude = /claude/.test(model)
    for (const name of Object.keys(body))
      rule(['messages', 'system', 'inferenceConfig', 'toolConfig', 'outputConfig', 'additionalModelRequestFields', 'requestMetadata', 'serviceTier'].includes(name), `the unknown field ${name}`)
    rule(config === undefined || keys(config) !== '', 'an empty inferenceConfig')
    rule(system === undefined || (system.length > 0 && system.every((one: Wire) => one.cachePoint || !isBlank(one.text))), 'blank instructions')
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
    rule(!choice?.tool || toolConfig.tools.some((one: Wire) => one.toolSpec?.name === choice.tool.name), 'a choice of no tool')
    rule((config?.temperature ?? 0) <= 1, 'temperature')
    rule((config?.stopSequences ?? []).every((one: string) => !isBlank(one)), 'a blank stop')
    rule(config?.maxTokens === undefined || config.maxTokens >= 1, 'a limit')
    const thinking = body.additionalModelRequestFields?.thinking
    rule(!thinking || isClaude, 'thinking')
    if (thinking?.type === 'enabled') {
      rule(thinking.budget_tokens >= 1024 && (config?.maxTokens === undefined || thinking.budget_tokens < config.maxTokens), 'the budget')
      rule(!choice || choice.auto, 'thinking with a forced call')
      rule((config?.temperature ?? 1) === 1, 'sampling while thinking')
    }
    const names: string[] = []
    for (const { role, content } of messages) {
      for (const block of content) {
        rule(Object.keys(block).length === 1, 'a block of two kinds')
        if (block.text !== undefined) rule(!isBlank(block.text), 'a blank text')
        if (block.image) rule(['png', 'jpeg', 'gif', 'webp'].includes(block.image.format) && isBase64(block.image.source.bytes), 'a picture')
        if (block.document) {
          names.push(block.document.name)
          rule(/^[a-zA-Z0-9()[\]-]+( [a-zA-Z0-9()[\]-]+)*$/.test(block.document.name), 'the name of a document')
          rule(content.some((one: Wire) => one.text !== undefined), 'a document without words')
        }
        if (block.toolUse) {
          rule(role === 'assistant', 'a call of the user')
          rule(isObject(block.toolUse.input), 'input')
          rule(/^[a-zA-Z0-9_-]{1,64}$/.test(block.toolUse.toolUseId) && /^[a-zA-Z0-9_-]{1,64}$/.test(block.toolUse.name), 'an id or a name')
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
    rule(last?.role !== 'assistant' || (/nova|claude-3/.test(model) || /4-5/.test(model)), 'a beginning of the answer')
    if (last?.role === 'assistant') rule(!/\s$/.test(last.content.at(-1).text ?? ''), 'blanks at the end')
  },
}

interface Blocks {
  readonly callOf: (block: Wire) => string | undefined
  readonly resultOf: (block: Wire) => string | undefined
  readonly takesSystem?: boolean
}

const anthropicBlocks: Blocks = {
  callOf: (block) => (block.type === 'tool_use' ? block.id : undefined),
  resultOf: (block) => (block.type === 'tool_result' ? block.tool_use_id : undefined),
}
const bedrockBlocks: Blocks = {
  callOf: (block) => block.toolUse?.toolUseId,
  resultOf: (block) => block.toolResult?.toolUseId,
}

/** Roles alternate; all results of a turn's calls stand in the next turn, before anything else. */
function conversation(messages: readonly Wire[], rule: Rule, { callOf, resultOf, takesSystem }: Blocks): void {
  const seen: string[] = []
  let open: string[] = []
  let before = ''
  for (const { role, content } of messages) {
    rule(role === 'user' || role === 'assistant' || (role === 'system' && takesSystem), 'a role')
    rule(role !== before, 'a role twice in a row')
    rule(Array.isArray(content) ? content.length > 0 : !isBlank(content), 'no content')
    before = role
    const asked = content.map(callOf).filter(Boolean)
    const answered = content.map(resultOf).filter(Boolean)
    rule([...answered].sort().join() === [...open].sort().join(), 'results that are not those of the calls before')
    const first = content.findIndex((block: Wire) => resultOf(block) === undefined && !block.cachePoint)
    rule(first < 0 || content.slice(first).every((block: Wire) => resultOf(block) === undefined), 'a result behind something else')
    rule(role === 'assistant' || asked.length === 0, 'a call of the user')
    seen.push(...asked)
    open = asked
  }
  rule(open.length === 0, 'a call without its result')
  rule(isUnique(seen), 'an id twice')
}

function anthropicBlock(block: Wire, role: string, rule: Rule): void {
  switch (block.type) {
    case 'text':
      return rule(!isBlank(block.text), 'a blank text')
    case 'image':
      rule(role === 'user', 'a picture of the assistant')
      if (block.source.type === 'base64')
        rule(/^image\/(png|jpeg|gif|webp)$/.test(block.source.media_type) && isBase64(block.source.data), 'a picture')
      return
    case 'document':
      if (block.source.type === 'base64') rule(block.source.media_type === 'application/pdf' && isBase64(block.source.data), 'a document')
      return
    case 'tool_use':
      rule(/^[a-zA-Z0-9_-]+$/.test(block.id) && /^[a-zA-Z0-9_-]{1,128}$/.test(block.name), 'an id or a name')
      return rule(isObject(block.input), 'input')
    case 'tool_result':
      for (const one of Array.isArray(block.content) ? block.content : []) anthropicBlock(one, 'user', rule)
      return
    case 'thinking':
      return rule(role === 'assistant' && block.signature && !block.cache_control, 'a thought')
    case 'redacted_thinking':
      return rule(role === 'assistant' && block.data, 'a thought')
    default:
      rule(false, `a block ${block.type}`)
  }
}

/** Whether the turn that goes on has calls before which no thoughts stand. */
function inCallsWithoutThoughts(messages: readonly Wire[]): boolean {
  for (const { role, content } of messages.toReversed()) {
    const isResult = content.some((block: Wire) => block.type === 'tool_result')
    if (role === 'user' && !isResult) return false
    if (role === 'assistant' && content.some((block: Wire) => block.type === 'tool_use') && !/thinking/.test(content[0].type)) return true
  }
  return false
}
