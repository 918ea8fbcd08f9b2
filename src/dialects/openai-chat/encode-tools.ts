import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, present } from '../values.ts'
import { cacheFields, type Dropped } from './encode-parts.ts'
import { own } from './finish.ts'

/** The tools, whether they have to be called and how many at once: all of it only where there are tools at all. */
export function toolFields(request: ChatRequest, abilities: Abilities, dropped: Dropped): Fields {
  const tools: Fields[] = []
  const functions: Fields[] = []
  let options: Fields = {}
  for (const [index, tool] of request.tools.entries()) {
    if (tool.kind === 'server' && tool.dialect === own && isFields(tool.value) && tool.value.web_search_options)
      options = tool.value
    else if (isOld(tool)) functions.push(functionOf(tool, dropped))
    else tools.push(...toolOf(tool, index, abilities, dropped))
  }
  const isOldForm = functions.length > 0 && tools.length === 0
  if (!isOldForm) tools.push(...functions.map((one) => ({ type: 'function', function: one })))
  if (tools.length === 0 && !isOldForm) return options
  const { toolChoice, parallelToolCalls } = request
  const choice = toolChoice && choiceOf(toolChoice, request, abilities)
  return {
    ...(isOldForm ? { functions } : { tools }),
    ...(choice !== undefined && {
      [isOldForm ? 'function_call' : 'tool_choice']: isOldForm ? oldChoiceOf(choice) : choice,
    }),
    ...(parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
    ...options,
  }
}

const isOld = (tool: Tool): tool is FunctionTool =>
  tool.kind === 'function' && tool.extra?.dialect === own && tool.extra.echo?.isOld === true

function toolOf(tool: Tool, index: number, abilities: Abilities, dropped: Dropped): readonly Fields[] {
  if (tool.kind === 'server') {
    if (tool.dialect === own && isFields(tool.value)) return [tool.value]
    dropped.add(`tools[${index}].${tool.name}`)
    return []
  }
  const { function: _, ...outside } = ownFields(tool, dropped)
  if (tool.kind === 'function') {
    const called = functionOf(tool, dropped)
    return [{ type: 'function', function: called, ...cacheFields(tool, abilities, dropped), ...outside }]
  }
  const { name, description, format } = tool
  return [{ type: 'custom', custom: present({ name, description, format }), ...outside }]
}

const functionOf = (tool: FunctionTool, dropped: Dropped): Fields => ({
  ...present({ name: tool.name, description: tool.description, parameters: tool.schema, strict: tool.strict }),
  ...fieldsOf(ownFields(tool, dropped).function),
})

function ownFields({ extra }: Exclude<Tool, { kind: 'server' }>, dropped: Dropped): Fields {
  if (!extra) return {}
  if (extra.dialect === own) return extra.fields
  for (const name of Object.keys(extra.fields)) dropped.add(name)
  return {}
}

function choiceOf({ mode, names, isList }: ToolChoice, request: ChatRequest, abilities: Abilities): unknown {
  if (names === undefined) {
    if (mode !== 'required') return mode
    return abilities.requiredWord ?? (request.extra?.dialect === own && request.extra.echo?.any ? 'any' : mode)
  }
  const custom = new Set(request.tools.flatMap((tool) => (tool.kind === 'custom' ? [tool.name] : [])))
  const chosen = names.map((name) =>
    custom.has(name) ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } },
  )
  if (chosen.length === 1 && !isList && mode === 'required') return chosen[0]
  if (mode === 'none') return mode
  return { type: 'allowed_tools', allowed_tools: { mode, tools: chosen } }
}

const oldChoiceOf = (choice: unknown): unknown => (isFields(choice) ? choice.function : choice)
