import type { CustomTool, FunctionTool, ServedTool, Tool, ToolChoice } from '../../core/chat.ts'
import { invalid } from '../request-body.ts'
import {
  booleanOf,
  type Fields,
  fieldsOf,
  isFields,
  listOf,
  present,
  rowOf,
  stringOf,
  textOf,
  without,
} from '../values.ts'
import { extraOf, isOwn, own, ownEcho, ownFields } from './own.ts'

/** What tools are called by all dialects, where it is not what they are called here. */
const commonNames: Readonly<Record<string, string>> = {
  web_search_preview: 'web_search',
  web_search_preview_2025_03_11: 'web_search',
  web_search_2025_08_26: 'web_search',
  code_interpreter: 'code_execution',
}
const functionKnown = new Set(['type', 'name', 'description', 'parameters', 'strict'])
const customKnown = new Set(['type', 'name', 'description', 'format'])

export const servedName = (type: string): string => rowOf(commonNames, type) ?? type

export function toolsOf(tools: unknown): readonly Tool[] {
  if (tools === undefined || tools === null) return []
  if (!Array.isArray(tools)) throw invalid('tools', '`tools` must be a list.')
  return listOf(tools).map(toolOf)
}

function toolOf(wire: Fields): Tool {
  switch (wire.type) {
    case 'function':
      return functionOf(wire)
    case 'custom':
      return present({
        kind: 'custom' as const,
        name: textOf(wire.name),
        description: stringOf(wire.description),
        format: wire.format,
        ...extraOf(without(wire, customKnown)),
      })
    default:
      return { kind: 'server', name: servedName(textOf(wire.type)), dialect: own, value: wire }
  }
}

/**
 * A tool that does not say whether it is strict is: OpenAI then mends its schema until it can be. Nobody else does, so
 * here it is strict only if its schema is good enough as it stands.
 */
function functionOf(wire: Fields): FunctionTool {
  const said = booleanOf(wire.strict)
  return present({
    kind: 'function' as const,
    name: textOf(wire.name),
    description: stringOf(wire.description),
    schema: wire.parameters ?? undefined,
    strict: said ?? (isStrict(wire.parameters) ? true : undefined),
    ...extraOf(without(wire, functionKnown), said === undefined ? { saysStrict: false } : {}),
  })
}

const deepest = 32

/** Whether every object has no more than its named properties and demands all of them. */
function isStrict(schema: unknown, depth = 0): boolean {
  if (depth > deepest || !isFields(schema)) return false
  const { type, properties, required, additionalProperties, items, anyOf, $defs } = schema
  const names = isFields(properties) ? Object.keys(properties) : []
  if (type === 'object' || isFields(properties)) {
    const demanded = new Set(Array.isArray(required) ? required : [])
    if (additionalProperties !== false || !names.every((name) => demanded.has(name))) return false
  } else if (depth === 0) return false
  const inner = [
    ...(isFields(properties) ? Object.values(properties) : []),
    ...(isFields($defs) ? Object.values($defs) : []),
    ...(Array.isArray(anyOf) ? anyOf : []),
    ...(items === undefined ? [] : [items]),
  ]
  return inner.every((one) => isStrict(one, depth + 1))
}

/** Which tools may or have to be called. Tools that the provider runs are named by their kind. */
export function choiceOf(choice: unknown, tools: readonly Tool[]): ToolChoice | undefined {
  if (choice === 'none' || choice === 'auto' || choice === 'required') return { mode: choice }
  if (!isFields(choice)) return undefined
  if (choice.type === 'allowed_tools')
    return {
      mode: choice.mode === 'required' ? 'required' : 'auto',
      names: listOf(choice.tools).map((tool) => chosenName(tool, tools)),
      isList: true,
    }
  return { mode: 'required', names: [chosenName(choice, tools)] }
}

function chosenName(tool: Fields, tools: readonly Tool[]): string {
  const name = stringOf(tool.name)
  const isNamed = tool.type === 'function' || tool.type === 'custom' || tools.some((one) => one.name === name)
  return isNamed && name !== undefined ? name : servedName(textOf(tool.type))
}

type Drop = (what: string) => void

/** The tools as this dialect has them, and what it cannot have. */
export const wireTools = (tools: readonly Tool[], drop: Drop): readonly Fields[] =>
  tools
    .map((tool, index) => wireTool(tool, (what) => drop(what === 'cache' ? what : `tools[${index}].${what}`)))
    .filter((wire) => wire !== undefined)

function wireTool(tool: Tool, drop: Drop): Fields | undefined {
  if ('cache' in tool && tool.cache) drop('cache')
  if (tool.kind === 'server') return wireServed(tool, drop)
  if (tool.extra && !isOwn(tool.extra)) for (const name of Object.keys(tool.extra.fields)) drop(name)
  return tool.kind === 'function' ? wireFunction(tool) : wireCustom(tool)
}

function wireFunction({ name, description, schema, strict, extra }: FunctionTool): Fields {
  // The defaults differ: here a tool is strict unless it says that it is not.
  const saysStrict = ownEcho(extra).saysStrict !== false
  return present({
    type: 'function',
    name,
    description,
    parameters: schema ?? (isOwn(extra) ? undefined : { type: 'object', properties: {} }),
    strict: saysStrict ? (strict ?? false) : undefined,
    ...ownFields(extra),
  })
}

const wireCustom = ({ name, description, format, extra }: CustomTool): Fields =>
  present({ type: 'custom', name, description, format: flatFormat(format), ...ownFields(extra) })

/** Chat completions have the grammar one level deeper. */
const flatFormat = (format: unknown): unknown =>
  isFields(format) && isFields(format.grammar) ? { type: 'grammar', ...format.grammar } : format

function wireServed({ name, dialect, value }: ServedTool, drop: Drop): Fields | undefined {
  const given = fieldsOf(value)
  if (dialect === own) return given
  switch (name) {
    case 'web_search': {
      const { allowed_domains, user_location, search_context_size } = given
      for (const option of Object.keys(given)) if (!searchOptions.has(option)) drop(option)
      return present({
        type: 'web_search',
        filters: Array.isArray(allowed_domains) ? { allowed_domains } : undefined,
        user_location: isFields(user_location) ? flatLocation(user_location) : undefined,
        search_context_size: stringOf(search_context_size),
      })
    }
    case 'code_execution':
      return { type: 'code_interpreter', container: { type: 'auto' } }
    default:
      drop(name)
      return undefined
  }
}

/** What is carried over, and what is only a name. */
const searchOptions = new Set([
  'allowed_domains',
  'user_location',
  'search_context_size',
  'type',
  'name',
  'cache_control',
  'googleSearch',
  'google_search',
])

const flatLocation = (location: Fields): Fields =>
  isFields(location.approximate) ? { type: 'approximate', ...location.approximate } : location

/** How a choice is told, given the tools among which it is. */
export function wireChoice({ mode, names, isList }: ToolChoice, tools: readonly Fields[]): unknown {
  if (!names) return mode
  const chosen = names.map((name) => chosenTool(name, tools))
  if (chosen.length === 1 && !isList && mode === 'required') return chosen[0]
  return { type: 'allowed_tools', mode: mode === 'required' ? mode : 'auto', tools: chosen }
}

function chosenTool(name: string, tools: readonly Fields[]): Fields {
  if (tools.some((tool) => tool.type === 'custom' && tool.name === name)) return { type: 'custom', name }
  const served = tools.find(({ type }) => type !== 'function' && type !== 'custom' && servedName(textOf(type)) === name)
  if (!served) return { type: 'function', name }
  return present({ type: served.type, server_label: served.server_label })
}
