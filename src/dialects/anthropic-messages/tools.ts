import type { ChatRequest, FunctionTool, ServedTool, Tool, ToolChoice } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { invalid, kindOf } from '../request-body.ts'
import { booleanOf, type Fields, fieldsOf, isFields, present, stringOf, textOf, without } from '../values.ts'
import type { Dropped } from './dropped.ts'
import { inputSchemaOf, strictSchema } from './schema.ts'
import { type Block, cacheControl, dialectName, extraOf, ownEcho, ownFields, takeCache, unknownIn } from './wire.ts'

export function decodeTools(tools: unknown): readonly Tool[] {
  if (tools === undefined || tools === null) return []
  if (!Array.isArray(tools)) throw invalid('tools', `\`tools\` must be a list, not ${kindOf(tools)}.`)
  return tools.map((tool, index) => {
    if (!isFields(tool)) throw invalid(`tools[${index}]`, `\`tools[${index}]\` must be an object, not ${kindOf(tool)}.`)
    return decodeTool(tool, index)
  })
}

const toolFields = new Set([
  'name',
  'type',
  'description',
  'input_schema',
  'strict',
  'cache_control',
  'eager_input_streaming',
])

function decodeTool(tool: Fields, index: number): Tool {
  const type = stringOf(tool.type)
  const cached = takeCache(tool)
  if (type !== undefined && type !== 'custom')
    return { kind: 'server', name: servedName(type, stringOf(tool.name)), dialect: dialectName, value: tool, ...cached }
  if (typeof tool.name !== 'string')
    throw invalid(`tools[${index}].name`, `\`tools[${index}].name\` must be a string, not ${kindOf(tool.name)}.`)
  // How its input is streamed is a hint that nobody else misses.
  const hint = tool.eager_input_streaming ?? undefined
  return present({
    kind: 'function',
    name: tool.name,
    description: stringOf(tool.description),
    schema: tool.input_schema ?? undefined,
    strict: booleanOf(tool.strict),
    ...cached,
    ...extraOf(unknownIn(tool, toolFields, cached.cache), present({ type, eager_input_streaming: hint })),
  }) satisfies FunctionTool
}

/** Versions stand behind the name: `web_search_20250305`. */
function servedName(type: string, name: string | undefined): string {
  const plain = /^(web_search|web_fetch|code_execution)_\d+$/.exec(type)?.[1]
  return plain ?? name ?? type
}

const choiceFields = new Set(['type', 'name', 'disable_parallel_tool_use'])
const choiceModes: Readonly<Record<string, ToolChoice['mode']>> = {
  auto: 'auto',
  any: 'required',
  tool: 'required',
  none: 'none',
}

/** Which tools may be called; `rest` is what nobody understood. */
export function decodeToolChoice(
  choice: unknown,
): Pick<ChatRequest, 'toolChoice' | 'parallelToolCalls'> & { rest?: Fields } {
  if (choice === undefined || choice === null) return {}
  if (!isFields(choice)) throw invalid('tool_choice', `\`tool_choice\` must be an object, not ${kindOf(choice)}.`)
  const type = textOf(choice.type)
  if (!Object.hasOwn(choiceModes, type))
    throw invalid('tool_choice.type', '`tool_choice.type` must be `auto`, `any`, `tool` or `none`.')
  const alone = booleanOf(choice.disable_parallel_tool_use)
  const rest = without(choice, choiceFields)
  return {
    toolChoice: {
      mode: choiceModes[type] as ToolChoice['mode'],
      ...(type === 'tool' && { names: [textOf(choice.name)] }),
    },
    ...(alone !== undefined && { parallelToolCalls: !alone }),
    ...(Object.keys(rest).length > 0 && { rest }),
  }
}

const allowedName = /^[a-zA-Z0-9_-]{1,128}$/

/** The tools that may be called: a choice among some of them leaves out the others, since Claude takes no list. */
export function encodeTools(request: ChatRequest, abilities: Abilities, dropped: Dropped): readonly Block[] {
  const { toolChoice, tools, extra } = request
  const isOwn = extra?.dialect === dialectName
  const names = toolChoice?.names && (toolChoice.isList || toolChoice.names.length > 1) ? toolChoice.names : undefined
  return tools.flatMap((tool, index) => {
    if (names && tool.kind !== 'server' && !names.includes(tool.name)) return []
    const block = encodeTool(tool, index, abilities, dropped, isOwn)
    return block ? [block] : []
  })
}

function encodeTool(
  tool: Tool,
  index: number,
  abilities: Abilities,
  dropped: Dropped,
  isOwn: boolean,
): Block | undefined {
  if (tool.kind === 'server') return encodeServed(tool, index, dropped)
  const { name, description, extra } = tool
  if (!isOwn && !allowedName.test(name))
    throw invalid(
      `tools[${index}].name`,
      `Claude cannot be given the tool \`${name}\`: names there are 1 to 128 letters, digits, _ and -. Rename the tool.`,
    )
  dropped.extra(extra)
  if (tool.kind === 'custom') {
    if (isFields(tool.format) && tool.format.type !== 'text') dropped.add(`tools[${index}].format`)
    return { name, ...(description !== undefined && { description }), input_schema: freeText }
  }
  const takesStrict = isOwn || (abilities.schema ?? 'native') === 'native'
  const isStrict = tool.strict === true && takesStrict
  if (tool.strict && !takesStrict) dropped.add(`tools[${index}].strict`)
  const schema = isOwn ? tool.schema : inputSchemaOf(tool.schema)
  return {
    ...ownEcho(extra),
    name,
    ...(description !== undefined && { description }),
    input_schema: isStrict && !isOwn ? strictSchema(schema) : schema,
    ...(isOwn ? tool.strict !== undefined && { strict: tool.strict } : isStrict && { strict: true }),
    ...ownFields(extra),
    ...cacheControl(tool.cache),
  }
}

/** A tool that takes free text gets it as the one member of an object. */
const freeText = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] } as const

/** What others run of the same kind, by the version of it that most models have. */
const served: Readonly<Record<string, string>> = {
  web_search: 'web_search_20250305',
  web_fetch: 'web_fetch_20250910',
  code_execution: 'code_execution_20250825',
}

function encodeServed({ name, dialect, value, cache }: ServedTool, index: number, dropped: Dropped): Block | undefined {
  if (dialect === dialectName && isFields(value)) return value
  if (!Object.hasOwn(served, name)) {
    dropped.add(`tools[${index}].${name}`)
    return undefined
  }
  return {
    type: served[name],
    name,
    ...(name === 'web_search' && searchLimits(fieldsOf(value))),
    ...cacheControl(cache),
  }
}

/** Where and for whom is searched, which OpenAI's dialects write in two ways. */
function searchLimits(value: Fields): Fields {
  const location = fieldsOf(value.user_location)
  const place = isFields(location.approximate) ? location.approximate : location
  const { city, region, country, timezone } = place
  const known = present({ city, region, country, timezone })
  const domains = fieldsOf(value.filters).allowed_domains
  return {
    ...(Array.isArray(domains) && domains.length > 0 && { allowed_domains: domains }),
    ...(Object.keys(known).length > 0 && { user_location: { type: 'approximate', ...known } }),
  }
}

/** `tool_choice` without tools is refused; whether several may be called at once stands in it. */
export function encodeToolChoice({ toolChoice, parallelToolCalls }: ChatRequest, rest: unknown): Block | undefined {
  if (!toolChoice && parallelToolCalls !== false) return undefined
  const { mode, names, isList } = toolChoice ?? { mode: 'auto' as const }
  if (mode === 'none') return { type: 'none', ...fieldsOf(rest) }
  const isOne = mode === 'required' && names?.length === 1 && !isList
  return {
    type: isOne ? 'tool' : mode === 'required' ? 'any' : 'auto',
    ...(isOne && { name: names[0] }),
    ...(parallelToolCalls !== undefined && { disable_parallel_tool_use: !parallelToolCalls }),
    ...fieldsOf(rest),
  }
}
