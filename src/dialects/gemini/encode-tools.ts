import type { ChatRequest, FunctionTool, Tool } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { invalid } from '../request-body.ts'
import { type Fields, isFields } from '../values.ts'
import { toOpenApi } from './schema.ts'
import { servedHere } from './server-tools.ts'
import { echoOf, isOwn, own, withExtra } from './wire.ts'

export interface EncodedTools {
  readonly tools?: readonly Fields[]
  readonly toolConfig?: Fields
}

type Drop = (what: string) => void

export function encodeTools(request: ChatRequest, abilities: Abilities, drop: Drop): EncodedTools {
  const goesBack = isOwn(request.extra)
  const hasFunctions = request.tools.some((tool) => tool.kind === 'function')
  const entries: Fields[] = []
  let declarations: Fields[] | undefined
  let isServed = false
  for (const [index, tool] of request.tools.entries()) {
    const place = `tools[${index}]`
    if (tool.kind === 'function') {
      if (!declarations) {
        declarations = []
        entries.push({ functionDeclarations: declarations })
      }
      declarations.push(declaration(tool, abilities, goesBack, (what) => drop(`${place}.${what}`)))
      continue
    }
    // Older models have either kind of tools.
    const fits = goesBack || abilities.thinkingLevels === true || !hasFunctions
    const entry = tool.kind === 'server' && fits ? served(tool, (what) => drop(`${place}.${what}`)) : undefined
    if (entry) {
      entries.push(entry)
      isServed = true
    } else drop(place)
  }
  const toolConfig: Record<string, unknown> = {}
  const calling = goesBack ? undefined : callingOf(request, hasFunctions)
  if (calling) toolConfig.functionCallingConfig = calling
  if (!goesBack && isServed && hasFunctions) toolConfig.includeServerSideToolInvocations = true
  if (!goesBack && request.parallelToolCalls === false && hasFunctions) drop('parallelToolCalls')
  return {
    ...(entries.length > 0 && { tools: entries }),
    ...(Object.keys(toolConfig).length > 0 && { toolConfig }),
  }
}

function served(tool: Extract<Tool, { kind: 'server' }>, drop: Drop): Fields | undefined {
  if (tool.dialect === own) return isFields(tool.value) ? tool.value : undefined
  const here = servedHere(tool)
  for (const option of here?.lost ?? []) drop(option)
  return here?.tool
}

const allowedName = /^[a-zA-Z_][\w.:-]{0,127}$/

function declaration(tool: FunctionTool, abilities: Abilities, goesBack: boolean, drop: Drop): Fields {
  const { name, description, schema, extra } = tool
  if (!goesBack && !allowedName.test(name)) {
    throw invalid(
      'tools',
      `Gemini takes no tool named \`${name}\`: a name begins with a letter or an underscore and has at most 128 letters, digits, underscores, dots, colons and dashes.`,
    )
  }
  const wire: Record<string, unknown> = { name, ...(description !== undefined && { description }) }
  const isWritten = echoOf(extra, 'parameters') !== undefined
  if (schema !== undefined && !isWritten) {
    if (abilities.jsonSchema !== false) wire.parametersJsonSchema = schema
    else {
      const { schema: parameters, lost } = toOpenApi(schema)
      if (lost.length > 0) drop('schema')
      if (parameters) wire.parameters = parameters
    }
  }
  if (extra && !isOwn(extra)) for (const field of Object.keys(extra.fields)) drop(field)
  return withExtra(wire, extra)
}

const modes = { auto: 'AUTO', required: 'ANY', none: 'NONE' } as const

/** A choice of tools needs tools. Strict ones are called by their schema or not at all. */
function callingOf({ tools, toolChoice }: ChatRequest, hasFunctions: boolean): Fields | undefined {
  if (!hasFunctions) return undefined
  const mode = toolChoice?.mode ?? 'auto'
  const names = toolChoice?.names
  const isStrict = tools.some((tool) => tool.kind === 'function' && tool.strict === true)
  // Only these two modes know names.
  if (mode === 'auto' && (names || isStrict))
    return { mode: 'VALIDATED', ...(names && { allowedFunctionNames: names }) }
  if (!toolChoice) return undefined
  return { mode: modes[mode], ...(names && mode === 'required' && { allowedFunctionNames: names }) }
}
