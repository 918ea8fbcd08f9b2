import type { FunctionTool, Tool, ToolChoice } from '../../core/chat.ts'
import { type Fields, fieldsOf, isFields, stringOf, textOf } from '../values.ts'
import { fromOpenApi } from './schema.ts'
import { servedTool } from './server-tools.ts'
import { dotted, extraOf, manyOf, named } from './wire.ts'

export interface DecodedTools {
  readonly tools: readonly Tool[]
  readonly toolChoice?: ToolChoice
  readonly fields: Fields
  readonly echo: Fields
}

const configFields: ReadonlySet<string> = new Set(['functionCallingConfig', 'includeServerSideToolInvocations'])

export function decodeTools(wire: Fields): DecodedTools {
  const tools: Tool[] = []
  for (const entry of manyOf(wire.tools)) {
    for (const [written, value] of Object.entries(entry)) {
      const name = Object.keys(named({ [written]: 0 }))[0] as string
      if (name === 'functionDeclarations') tools.push(...manyOf(value).map(functionTool))
      else tools.push(servedTool(name, written, value))
    }
  }
  const config = named(fieldsOf(wire.toolConfig))
  const calling = config.functionCallingConfig
  const toolChoice = isFields(calling) ? choiceOf(named(calling)) : undefined
  const includes = config.includeServerSideToolInvocations
  return {
    tools,
    ...(toolChoice && { toolChoice }),
    fields: dotted('toolConfig', extraOf(config, configFields)?.fields ?? {}),
    echo: {
      ...(calling !== undefined && { 'toolConfig.functionCallingConfig': calling }),
      ...(includes !== undefined && { 'toolConfig.includeServerSideToolInvocations': includes }),
    },
  }
}

const declarationFields: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'parametersJsonSchema'])

function functionTool(written: Fields): FunctionTool {
  const wire = named(written)
  const { parameters, parametersJsonSchema } = wire
  const description = stringOf(wire.description)
  const extra = extraOf(wire, declarationFields, parameters === undefined ? undefined : { parameters })
  const schema = parametersJsonSchema ?? (parameters === undefined ? undefined : fromOpenApi(parameters))
  return {
    kind: 'function',
    name: textOf(wire.name),
    ...(description !== undefined && { description }),
    ...(schema !== undefined && schema !== null && { schema }),
    ...(extra && { extra }),
  }
}

const modes: Readonly<Record<string, ToolChoice['mode']>> = {
  AUTO: 'auto',
  ANY: 'required',
  NONE: 'none',
  VALIDATED: 'auto',
}

function choiceOf({ mode, allowedFunctionNames }: Fields): ToolChoice | undefined {
  const word = textOf(mode).toUpperCase()
  const ours = Object.hasOwn(modes, word) ? modes[word] : undefined
  const names = Array.isArray(allowedFunctionNames)
    ? allowedFunctionNames.filter((name): name is string => typeof name === 'string')
    : []
  if (ours === undefined) return undefined
  if (names.length === 0 || ours === 'none') return { mode: ours }
  // One name alone has to be called; there is no other way to say so here.
  return { mode: ours, names, ...((names.length > 1 || ours === 'auto') && { isList: true }) }
}
