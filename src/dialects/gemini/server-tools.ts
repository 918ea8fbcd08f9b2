import type { ServedTool, ServerTool } from '../../core/chat.ts'
import { type Fields, fieldsOf, rowOf, stringOf } from '../values.ts'
import { named, own } from './wire.ts'

/** Google's names of the tools that every provider has in some form. */
const commonNames: Readonly<Record<string, string>> = {
  googleSearch: 'web_search',
  googleSearchRetrieval: 'web_search',
  enterpriseWebSearch: 'web_search',
  codeExecution: 'code_execution',
  urlContext: 'web_fetch',
}

const wireNames: Readonly<Record<string, string>> = {
  web_search: 'googleSearch',
  code_execution: 'codeExecution',
  web_fetch: 'urlContext',
}

const invokedNames: Readonly<Record<string, string>> = {
  GOOGLE_SEARCH_WEB: 'web_search',
  GOOGLE_SEARCH: 'web_search',
  URL_CONTEXT: 'web_fetch',
  CODE_EXECUTION: 'code_execution',
}

export const servedTool = (name: string, written: string, value: unknown): ServedTool => ({
  kind: 'server',
  name: rowOf(commonNames, name) ?? name,
  dialect: own,
  value: { [written]: value },
})

/** Google's tool in place of another provider's, and which of the other's options it lacks. */
export function servedHere({
  name,
  value,
}: ServedTool): { readonly tool: Fields; readonly lost: readonly string[] } | undefined {
  const wire = rowOf(wireNames, name)
  if (wire === undefined) return undefined
  const lost = Object.keys(fieldsOf(value)).filter((option) => option !== 'type' && option !== 'name')
  return { tool: { [wire]: {} }, lost }
}

const phases: Readonly<Record<string, ServerTool['phase']>> = {
  executableCode: 'call',
  codeExecutionResult: 'result',
  toolCall: 'call',
  toolResponse: 'result',
}

/** A part in which a tool of Google's own was called or answered. `value` is the part without its signature. */
export function serverToolOf(part: Fields, value: Fields): ServerTool | undefined {
  for (const kind in phases) {
    const inner = part[kind]
    if (inner === undefined) continue
    const { id, toolType } = named(fieldsOf(inner))
    const type = stringOf(toolType)
    const known = stringOf(id)
    return {
      kind: 'server-tool',
      phase: phases[kind] as ServerTool['phase'],
      name: type === undefined ? 'code_execution' : (rowOf(invokedNames, type) ?? type),
      ...(known !== undefined && { id: known }),
      dialect: own,
      value,
    }
  }
  return undefined
}
