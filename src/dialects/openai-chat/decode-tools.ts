import type { FunctionTool, Tool, ToolChoice } from '../../core/chat.ts'
import { booleanOf, type Fields, fieldsOf, isFields, listOf, present, stringOf, textOf, without } from '../values.ts'
import { cacheOf } from './decode-message.ts'
import type { Understood } from './decode-settings.ts'
import { own } from './finish.ts'
import { echoing } from './thoughts.ts'

export function toolsOf(body: Fields): readonly Tool[] {
  return [
    ...listOf(body.tools).map(toolOf),
    ...listOf(body.functions).map((wire): Tool => ({ ...functionOf(wire), extra: echoing({ isOld: true }) })),
    ...(isFields(body.web_search_options)
      ? [
          {
            kind: 'server' as const,
            name: 'web_search',
            dialect: own,
            value: { web_search_options: body.web_search_options },
          },
        ]
      : []),
  ]
}

const read = new Set(['type', 'function', 'custom', 'cache_control'])
const ofFunction = new Set(['name', 'description', 'parameters', 'strict'])

function toolOf(wire: Fields): Tool {
  const cache = cacheOf(wire.cache_control)
  const common = cache ? { cache } : {}
  const fields = without(wire, read)
  if (isFields(wire.custom)) {
    const { name, description, format } = wire.custom
    return {
      kind: 'custom',
      name: textOf(name),
      ...(typeof description === 'string' && { description }),
      ...(format !== undefined && format !== null && { format }),
      ...extraOf(fields, {}),
    }
  }
  // Kimi's own functions look like the client's.
  if (isFields(wire.function) && wire.type !== 'builtin_function') {
    const named = functionOf(wire.function)
    return { ...named, ...common, ...extraOf(fields, without(wire.function, ofFunction)) }
  }
  // Some clients leave out the wrapping.
  if (wire.type === 'function' && typeof wire.name === 'string')
    return { ...functionOf(wire), ...common, ...extraOf({}, without(wire, new Set([...read, ...ofFunction]))) }
  return { kind: 'server', name: servedName(wire), dialect: own, value: wire, ...common }
}

function functionOf({ name, description, parameters, strict }: Fields): FunctionTool {
  return {
    kind: 'function',
    name: textOf(name),
    ...present({ description: stringOf(description), strict: booleanOf(strict) }),
    ...(parameters !== undefined && parameters !== null && { schema: parameters }),
  }
}

function extraOf(fields: Fields, inside: Fields): Pick<FunctionTool, 'extra'> {
  const all = { ...fields, ...(Object.keys(inside).length > 0 && { function: inside }) }
  return Object.keys(all).length > 0 ? { extra: { dialect: own, fields: all } } : {}
}

/** Hosts have a word each for the same: `openrouter:web_search`, `browser_search`, `$web_search`, `live_search`. */
function servedName({ type, function: called }: Fields): string {
  const name = textOf(fieldsOf(called).name) || textOf(type)
  if (/web_?search|browser_search|live_search/i.test(name)) return 'web_search'
  if (/code_(interpreter|execution)/i.test(name)) return 'code_execution'
  return /web_fetch/i.test(name) ? 'web_fetch' : name
}

export function toolChoiceOf(understood: Understood): ToolChoice | undefined {
  return (
    understood.take('tool_choice', (value) => choiceOf(value, understood)) ??
    understood.take('function_call', (value) => choiceOf(value, understood))
  )
}

function choiceOf(written: unknown, { echo }: Understood): ToolChoice | undefined {
  if (written === 'none' || written === 'auto' || written === 'required') return { mode: written }
  // Mistral's word.
  if (written === 'any') {
    echo.any = true
    return { mode: 'required' }
  }
  if (!isFields(written)) return undefined
  if (written.type === 'allowed_tools') {
    const { mode, tools } = fieldsOf(written.allowed_tools)
    const names = listOf(tools).flatMap((tool) => nameIn(tool) ?? [])
    return { mode: mode === 'required' ? 'required' : 'auto', names, isList: true }
  }
  const name = nameIn(written)
  return name === undefined ? undefined : { mode: 'required', names: [name] }
}

const nameIn = (tool: Fields): string | undefined => stringOf(fieldsOf(tool.function ?? tool.custom ?? tool).name)
