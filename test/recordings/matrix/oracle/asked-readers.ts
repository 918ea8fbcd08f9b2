/** Requests of each wire format, read for what they ask. */
import { type Asked, type AskedTool, bare, Conversation, schemaOf, textsOf } from './asked.ts'
import { isObj, list, obj, str, type Tree } from './tree.ts'

const optional = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
const stops = (value: unknown): readonly unknown[] | undefined => {
  const all = typeof value === 'string' ? [value] : Array.isArray(value) ? value : []
  return all.length > 0 ? all : undefined
}

export const askedOf: Readonly<Record<string, (body: Tree) => Asked>> = {
  'openai-chat'(body) {
    const talk = new Conversation()
    for (const message of list(body.messages)) {
      const { role, content } = message
      if (role === 'system' || role === 'developer') talk.instruct(textsOf(content))
      else if (role === 'tool' || role === 'function') {
        talk.result(message.tool_call_id, message.name, textsOf(content))
        // No host takes them there, but some clients send them.
        for (const part of Array.isArray(content) ? list(content) : []) talk.medium(obj(part.image_url).url)
      } else {
        const who = role === 'assistant' ? 'assistant' : 'user'
        if (typeof content === 'string') talk.text(who, content)
        for (const part of Array.isArray(content) ? list(content) : []) {
          if (part.type === 'text') talk.text(who, part.text)
          talk.medium(typeof part.image_url === 'string' ? part.image_url : obj(part.image_url).url)
          talk.medium(obj(part.input_audio).data)
          talk.file(obj(part.file).file_data)
          talk.medium(obj(part.video_url).url)
        }
        for (const call of list(message.tool_calls))
          talk.call(
            call.id,
            obj(call.function).name ?? obj(call.custom).name,
            obj(call.function).arguments ?? obj(call.custom).input,
          )
        if (isObj(message.function_call)) talk.call('', message.function_call.name, message.function_call.arguments)
      }
    }
    const format = obj(body.response_format)
    return talk.asked({
      tools: [
        ...list(body.tools)
          .filter((tool) => isObj(tool.function))
          .map((tool) => obj(tool.function)),
        ...list(body.functions),
      ].map(({ name, description, parameters }) => toolOf(name, description, parameters)),
      choice: chatChoice(body.tool_choice ?? body.function_call),
      format:
        format.type === 'json_schema'
          ? schemaOf(obj(format.json_schema).schema)
          : format.type === 'json_object'
            ? 'json'
            : 'text',
      maxTokens: optional(body.max_completion_tokens ?? body.max_tokens),
      temperature: optional(body.temperature),
      topP: optional(body.top_p),
      topK: optional(body.top_k),
      stop: stops(body.stop),
    })
  },

  'openai-responses'(body) {
    const talk = new Conversation()
    talk.instruct(body.instructions)
    const items = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : list(body.input)
    for (const item of items as readonly Tree[]) {
      if (item.type === 'function_call' || item.type === 'custom_tool_call')
        talk.call(item.call_id, item.name, item.arguments ?? item.input)
      else if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output') {
        talk.result(item.call_id, '', textsOf(item.output))
        for (const part of list(item.output)) responsesMedia(talk, part)
      } else if (item.role === 'system' || item.role === 'developer') talk.instruct(textsOf(item.content))
      else if (item.role !== undefined) {
        const who = item.role === 'assistant' ? 'assistant' : 'user'
        if (typeof item.content === 'string') talk.text(who, item.content)
        for (const part of Array.isArray(item.content) ? list(item.content) : []) {
          talk.text(who, part.text)
          responsesMedia(talk, part)
        }
      }
    }
    const format = obj(obj(body.text).format)
    return talk.asked({
      tools: list(body.tools)
        .filter(({ type }) => type === 'function')
        .map(({ name, description, parameters }) => toolOf(name, description, parameters)),
      choice: chatChoice(body.tool_choice),
      format: format.type === 'json_schema' ? schemaOf(format.schema) : format.type === 'json_object' ? 'json' : 'text',
      maxTokens: optional(body.max_output_tokens),
      temperature: optional(body.temperature),
      topP: optional(body.top_p),
    })
  },

  'anthropic-messages'(body) {
    const talk = new Conversation()
    talk.instruct(textsOf(body.system))
    for (const { role, content } of list(body.messages)) {
      const who = role === 'assistant' ? 'assistant' : 'user'
      if (role === 'system') talk.instruct(textsOf(content))
      else if (typeof content === 'string') talk.text(who, content)
      for (const block of Array.isArray(content) && role !== 'system' ? list(content) : []) {
        if (block.type === 'text') talk.text(who, block.text)
        else if (block.type === 'tool_use') talk.call(block.id, block.name, block.input)
        else if (block.type === 'tool_result') {
          talk.result(
            block.tool_use_id,
            '',
            typeof block.content === 'string' ? block.content : foundText(list(block.content)),
          )
          for (const part of Array.isArray(block.content) ? list(block.content) : []) anthropicMedia(talk, part)
        } else anthropicMedia(talk, block)
      }
    }
    const choice = obj(body.tool_choice)
    const format = obj(obj(body.output_config).format ?? body.output_format)
    return talk.asked({
      tools: list(body.tools)
        .filter(({ type, input_schema }) => type === undefined || type === 'custom' || input_schema !== undefined)
        .map(({ name, description, input_schema }) => toolOf(name, description, input_schema)),
      choice:
        choice.type === 'any'
          ? 'required'
          : choice.type === 'tool'
            ? `named ${choice.name}`
            : choice.type === 'none'
              ? 'none'
              : 'auto',
      format: format.type === 'json_schema' ? schemaOf(format.schema) : 'text',
      maxTokens: optional(body.max_tokens),
      temperature: optional(body.temperature),
      topP: optional(body.top_p),
      topK: optional(body.top_k),
      stop: stops(body.stop_sequences),
    })
  },

  gemini(wire) {
    const body = camel(wire) as Tree
    const talk = new Conversation()
    const instructions = body.systemInstruction
    talk.instruct(typeof instructions === 'string' ? instructions : textsOf(obj(instructions).parts))
    for (const { role, parts } of list(body.contents)) {
      const who = role === 'model' ? 'assistant' : 'user'
      for (const part of list(parts)) {
        if (part.thought !== true) talk.text(who, part.text)
        talk.file(obj(part.inlineData).data)
        talk.medium(obj(part.fileData).fileUri)
        if (isObj(part.functionCall)) talk.call(part.functionCall.id, part.functionCall.name, part.functionCall.args)
        if (isObj(part.functionResponse)) {
          const { id, name, response, parts: media } = part.functionResponse
          talk.result(id, name, response)
          for (const medium of list(media)) talk.file(obj(medium.inlineData).data)
        }
      }
    }
    const config = obj(body.generationConfig)
    const calling = obj(obj(body.toolConfig).functionCallingConfig)
    const names = Array.isArray(calling.allowedFunctionNames) ? calling.allowedFunctionNames : []
    const isJson = config.responseMimeType === 'application/json'
    return talk.asked({
      tools: (Array.isArray(body.tools) ? list(body.tools) : [obj(body.tools)])
        .flatMap(({ functionDeclarations }) => list(functionDeclarations))
        .map(({ name, description, parameters, parametersJsonSchema }) =>
          toolOf(name, description, parametersJsonSchema ?? parameters),
        ),
      choice:
        str(calling.mode).toUpperCase() === 'ANY'
          ? names.length === 1
            ? `named ${names[0]}`
            : names.length > 1
              ? `one of ${names.join(', ')}`
              : 'required'
          : str(calling.mode).toUpperCase() === 'NONE'
            ? 'none'
            : 'auto',
      format:
        (config.responseJsonSchema ?? config.responseSchema)
          ? schemaOf(config.responseJsonSchema ?? config.responseSchema)
          : isJson
            ? 'json'
            : 'text',
      maxTokens: optional(config.maxOutputTokens),
      temperature: optional(config.temperature),
      topP: optional(config.topP),
      topK: optional(config.topK),
      stop: stops(config.stopSequences),
    })
  },

  'bedrock-converse'(body) {
    const talk = new Conversation()
    talk.instruct(textsOf(body.system))
    for (const { role, content } of list(body.messages)) {
      const who = role === 'assistant' ? 'assistant' : 'user'
      for (const block of list(content)) {
        talk.text(who, block.text ?? obj(obj(block.guardContent).text).text)
        talk.text(who, textsOf(obj(block.citationsContent).content))
        bedrockMedia(talk, block)
        if (isObj(block.toolUse)) talk.call(block.toolUse.toolUseId, block.toolUse.name, block.toolUse.input)
        if (isObj(block.toolResult)) {
          const parts = list(block.toolResult.content)
          const json = parts.find((part) => part.json !== undefined)
          talk.result(block.toolResult.toolUseId, '', json ? json.json : resultText(parts))
          for (const part of parts) bedrockMedia(talk, part)
        }
      }
    }
    const config = obj(body.inferenceConfig)
    const choice = obj(obj(body.toolConfig).toolChoice)
    const more = obj(body.additionalModelRequestFields)
    const schema = obj(obj(obj(obj(body.outputConfig).textFormat).structure).jsonSchema).schema
    return talk.asked({
      tools: list(obj(body.toolConfig).tools)
        .filter(({ toolSpec }) => isObj(toolSpec))
        .map(({ toolSpec }) =>
          toolOf(obj(toolSpec).name, obj(toolSpec).description, obj(obj(toolSpec).inputSchema).json),
        ),
      choice: isObj(choice.tool) ? `named ${choice.tool.name}` : isObj(choice.any) ? 'required' : 'auto',
      format: typeof schema === 'string' ? schemaOf(JSON.parse(schema)) : 'text',
      maxTokens: optional(config.maxTokens),
      temperature: optional(config.temperature),
      topP: optional(config.topP),
      topK: optional(more.top_k ?? obj(more.inferenceConfig).topK),
      stop: stops(config.stopSequences),
    })
  },
}

const toolOf = (name: unknown, description: unknown, schema: unknown): AskedTool => ({
  name: str(name),
  description: bare(str(description)),
  schema: schemaOf(schema),
})

function chatChoice(choice: unknown): string {
  if (typeof choice === 'string') return choice === 'any' ? 'required' : choice
  if (!isObj(choice)) return 'auto'
  const listed = isObj(choice.allowed_tools)
    ? choice.allowed_tools
    : choice.type === 'allowed_tools'
      ? choice
      : undefined
  if (listed)
    return `one of ${list(listed.tools)
      .map((tool) => tool.name ?? obj(tool.function).name)
      .join(', ')}`
  const name = choice.name ?? obj(choice.function).name
  return name === undefined ? 'auto' : `named ${name}`
}

function responsesMedia(talk: Conversation, part: Tree): void {
  talk.medium(part.image_url)
  talk.file(part.file_data ?? part.file_url)
  talk.medium(obj(part.input_audio).data)
}

function anthropicMedia(talk: Conversation, { type, source }: Tree): void {
  if (type !== 'image' && type !== 'document') return
  const { type: kind, data, url } = obj(source)
  if (kind === 'text') talk.document(data)
  else if (kind === 'content') talk.document(textsOf(obj(source).content))
  else if (type === 'document') talk.file(data ?? url)
  else talk.medium(data ?? url)
}

function bedrockMedia(talk: Conversation, block: Tree): void {
  for (const kind of ['image', 'document', 'video', 'audio']) {
    const source = obj(obj(block[kind]).source)
    const address = source.bytes ?? obj(source.s3Location).uri
    if (kind === 'document') {
      talk.document(source.text ?? textsOf(source.content))
      talk.file(address)
    } else talk.medium(address)
  }
}

const foundText = (parts: readonly Tree[]): string =>
  parts.map((part) => str(part.text) || textsOf(part.content ?? obj(part.source).content)).join('')

/** Passages that were found have their texts one level deeper. */
const resultText = (parts: readonly Tree[]): string =>
  parts.map((part) => str(part.text) || textsOf(obj(part.searchResult).content)).join('')

function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel)
  if (!isObj(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const spelt = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const isOwn = /^(args|response|parameters|parametersJsonSchema|responseSchema|responseJsonSchema)$/.test(spelt)
      return [spelt, isOwn ? member : camel(member)]
    }),
  )
}
