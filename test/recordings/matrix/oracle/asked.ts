/**
 * What a request asks for, in words that belong to no wire format, read by readers that share no code with the dialects.
 */
import { isObj, list, meaning, obj, str, type Tree } from './tree.ts'

export interface Asked {
  /** All instructions, wherever they stand, in order. */
  readonly system: string
  /** True when some of them stand between what is said. */
  readonly isMidway: boolean
  /** Texts, calls and results in order; texts of one speaker that follow each other are one. */
  readonly said: readonly AskedItem[]
  /** Pictures, sounds and files by the beginning of their data or their address, wherever they stand. */
  readonly media: readonly string[]
  /** Documents that are text. */
  readonly documents: readonly string[]
  readonly tools: readonly AskedTool[]
  readonly choice: string
  readonly format: unknown
  readonly maxTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly stop?: readonly unknown[] | undefined
}

export type AskedItem =
  | { readonly who: 'user' | 'assistant'; readonly text: string }
  /** `call` counts the calls of the whole conversation from 0. */
  | { readonly call: number; readonly name: string; readonly args: unknown }
  | { readonly resultOf: number; readonly value: unknown }

export interface AskedTool {
  readonly name: string
  readonly description: string
  readonly schema: unknown
}

/** Collects what is said in order; ids of calls become their number, since every host has ids of its own. */
export class Conversation {
  readonly system: string[] = []
  readonly said: AskedItem[] = []
  readonly media: string[] = []
  readonly documents: string[] = []
  isMidway = false
  private readonly calls: { id: string; name: string; isAnswered: boolean }[] = []

  text(who: 'user' | 'assistant', text: unknown): void {
    if (typeof text !== 'string' || text.trim() === '') return
    const last = this.said.at(-1)
    if (last && 'who' in last && last.who === who)
      this.said[this.said.length - 1] = { who, text: last.text + bare(text) }
    else this.said.push({ who, text: bare(text) })
  }

  instruct(text: unknown): void {
    if (typeof text !== 'string' || text.trim() === '') return
    this.system.push(bare(text))
    if (this.said.length > 0) this.isMidway = true
  }

  medium(value: unknown): void {
    const text = str(value).replace(/^data:[^,]*,/i, '')
    if (text === '') return
    const isAddress = /^\w+:/.test(text)
    this.media.push((isAddress ? text : text.replaceAll('-', '+').replaceAll('_', '/')).slice(0, 40))
  }

  /** A file: one that is text counts as its text, however it is wrapped. */
  file(value: unknown): void {
    const data = str(value).replace(/^data:[^,]*,/i, '')
    const text = /^\w+:/.test(data) ? '' : Buffer.from(data, 'base64').toString('utf8')
    const isText = text !== '' && !text.includes('\uFFFD') && !text.includes('\0') && !text.startsWith('%PDF')
    if (isText) this.documents.push(bare(text))
    else this.medium(value)
  }

  document(text: unknown): void {
    if (typeof text === 'string' && text !== '') this.documents.push(bare(text))
  }

  call(id: unknown, name: unknown, args: unknown): void {
    this.said.push({ call: this.calls.length, name: str(name), args: meaning(args) })
    this.calls.push({ id: str(id), name: str(name), isAnswered: false })
  }

  /** By its id, or where there is none by the first call of that name without a result. */
  result(id: unknown, name: unknown, value: unknown): void {
    const byId = str(id) === '' ? -1 : this.calls.findLastIndex((call) => call.id === id)
    const place = byId >= 0 ? byId : this.calls.findIndex((call) => !call.isAnswered && call.name === name)
    const call = this.calls[place]
    if (call) call.isAnswered = true
    this.said.push({ resultOf: place, value: resultOf(value) })
  }

  asked(rest: Omit<Asked, 'system' | 'isMidway' | 'said' | 'media' | 'documents'>): Asked {
    return {
      system: this.system.join(''),
      isMidway: this.isMidway,
      said: this.said,
      media: this.media,
      documents: this.documents,
      ...rest,
    }
  }
}

/** Letters without the spaces between them: hosts differ in how texts are put together. */
const bare = (text: string): string => text.replace(/\s+/g, '')

function resultOf(value: unknown): unknown {
  const parsed = meaning(value)
  if (typeof parsed === 'string') return bare(parsed)
  if (isObj(parsed)) {
    // Some clients say once more whose result it is.
    if (typeof parsed.name === 'string' && 'content' in parsed && Object.keys(parsed).length === 2)
      return resultOf(Array.isArray(parsed.content) ? textsOf(parsed.content) : parsed.content)
    const [name, ...others] = Object.keys(parsed)
    // An object is wanted where others have text: the text is wrapped.
    if (others.length === 0 && name !== undefined && /^(output|result|error)$/.test(name)) return resultOf(parsed[name])
  }
  return parsed
}

/** Schemas that say the same: names of types in either case, and an object without properties for no schema. */
export function schemaOf(schema: unknown): unknown {
  const plain = lowered(schema)
  if (!isObj(plain)) return undefined
  const { $schema: _dialect, ...rest } = plain
  const isEmpty = Object.keys(obj(rest.properties)).length === 0 && !rest.anyOf && !rest.oneOf && !rest.$ref
  return isEmpty && (rest.type === 'object' || rest.type === undefined) ? undefined : rest
}

function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered)
  if (!isObj(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'type' && typeof member === 'string' ? member.toLowerCase() : lowered(member),
    ]),
  )
}

const optional = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
const stops = (value: unknown): readonly unknown[] | undefined => {
  const all = typeof value === 'string' ? [value] : Array.isArray(value) ? value : []
  return all.length > 0 ? all : undefined
}

const textsOf = (parts: unknown): string =>
  typeof parts === 'string'
    ? parts
    : list(parts)
        .map(({ text }) => str(text))
        .join('')

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
