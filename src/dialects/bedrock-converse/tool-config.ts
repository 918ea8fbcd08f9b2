import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../../core/chat.ts'
import { answerToolOf } from '../anthropic-messages/answer-tool.ts'
import type { Abilities } from '../dialect.ts'
import { invalid } from '../request-body.ts'
import { type Fields, fieldsOf, isFields, present } from '../values.ts'
import { pushCachePoint } from './encode-parts.ts'
import { dialectName, ownFields, sayForeign } from './extras.ts'
import type { Family } from './families.ts'

/** Stands for tools that are not offered any more, since results of tools need some tool beside them. */
const inertTool: Fields = {
  toolSpec: {
    name: 'unavailable',
    description: 'Does nothing. Tools cannot be called any more.',
    inputSchema: { json: { type: 'object', properties: {} } },
  },
}

export interface ToolConfig {
  readonly config: Fields | undefined
  /** True when the model is made to call some tool. */
  readonly isForced: boolean
}

/** There is no choice called `none`: the tools are left out instead, as far as the conversation can do without. */
export function encodeTools(
  request: ChatRequest,
  abilities: Abilities,
  family: Family,
  needsTools: boolean,
  drop: (what: string) => void,
): ToolConfig {
  const { toolChoice, format } = request
  const own = fieldsOf(ownFields(request.extra).toolConfig)
  const tools: Fields[] = []
  const offered = toolChoice?.mode === 'none' ? [] : request.tools
  const among = isChoiceAmong(toolChoice) ? toolChoice?.names : undefined
  for (const [index, tool] of offered.entries()) {
    const wire = encodeTool(tool, `tools[${index}]`, family, drop)
    if (!wire || (among && !among.includes(tool.name))) continue
    tools.push(wire)
    if (tool.kind !== 'custom' && tool.cache)
      pushCachePoint(tools, tool.cache, { caches: family.caches !== false, drop })
  }
  const isAnswer = format?.kind === 'schema' && abilities.schema === 'tool'
  if (isAnswer) tools.push(answerSpec(format.schema))
  if (tools.length === 0 && needsTools) tools.push(inertTool)
  if (tools.length === 0) return { config: undefined, isForced: false }
  const choice = choiceOf(request, isAnswer, tools)
  return {
    config: { ...own, tools, ...(choice && { toolChoice: choice }) },
    isForced: choice !== undefined && choice.auto === undefined,
  }
}

/** A list to choose from has no place here: the other tools are left out. */
const isChoiceAmong = (choice: ToolChoice | undefined): boolean =>
  choice?.isList === true || choice?.mode === 'auto' || (choice?.names?.length ?? 0) > 1

function answerSpec(schema: unknown): Fields {
  const { name, input_schema } = answerToolOf(schema)
  return {
    toolSpec: { name, description: 'Call this with your final answer.', inputSchema: { json: input_schema } },
  }
}

function choiceOf({ toolChoice }: ChatRequest, isAnswer: boolean, tools: readonly Fields[]): Fields | undefined {
  const specs = tools.filter(({ toolSpec }) => toolSpec !== undefined)
  if (isAnswer) {
    const { name } = fieldsOf(specs.at(-1)?.toolSpec)
    return specs.length === 1 ? { tool: { name } } : { any: {} }
  }
  if (!toolChoice || toolChoice.mode === 'none') return undefined
  if (toolChoice.mode === 'auto') return { auto: {} }
  const name = toolChoice.names?.length === 1 ? toolChoice.names[0] : undefined
  return name === undefined || specs.length === 0 ? { any: {} } : { tool: { name } }
}

function encodeTool(tool: Tool, place: string, family: Family, drop: (what: string) => void): Fields | undefined {
  if (tool.kind === 'function') {
    sayForeign(tool.extra, drop)
    return { toolSpec: encodeFunction(tool, place) }
  }
  if (tool.kind === 'server') {
    if (tool.dialect === dialectName && isFields(tool.value)) return tool.value
    const name =
      tool.name === 'web_search' ? family.webSearch : tool.name === 'code_execution' ? family.codeExecution : undefined
    if (name !== undefined) return { systemTool: { name } }
  }
  drop(`${place}.${tool.name}`)
  return undefined
}

function encodeFunction({ name, description, schema, strict, extra }: FunctionTool, place: string): Fields {
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    throw invalid(
      `${place}.name`,
      `The provider takes names of tools of up to 64 letters, digits, hyphens and underscores, and not ${JSON.stringify(name)}.`,
    )
  }
  return {
    name,
    ...present({ description: description || undefined, strict: strict || undefined }),
    inputSchema: { json: objectSchema(schema) },
    ...ownFields(extra),
  }
}

/** The root of a schema has to be an object. */
function objectSchema(schema: unknown): Fields {
  const fields = fieldsOf(schema)
  return fields.type === 'object' ? fields : { type: 'object', properties: {}, ...fields }
}
