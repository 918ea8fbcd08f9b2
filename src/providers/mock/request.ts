import { hash } from 'node:crypto'
import type { Message } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { decodeRequest } from '../../dialects/openai-chat/decode-request.ts'
import { type MockOptions, readOptions } from './options.ts'

/** What the mock reads of a request; all else in it has no effect. */
export interface MockRequest {
  /** The name that was asked, with or without the provider before it. */
  readonly model: string
  /** The same bytes have the same answer, its ids included: they are made from this. */
  readonly hash: string
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly messages: readonly Message[]
  readonly tools: ToolUse
  readonly format: Format
  /** How many choices to answer with. */
  readonly count: number
  readonly maxTokens: number | undefined
  readonly stops: readonly string[]
  readonly options: MockOptions
}

/** The tools that may be called, and whether one has to be. */
export interface ToolUse {
  readonly mode: 'none' | 'auto' | 'required'
  readonly offered: readonly OfferedTool[]
  readonly parallel: boolean
}

export interface OfferedTool {
  readonly type: 'function' | 'custom'
  readonly name: string
  readonly schema: unknown
  /** Where the schema stands in the request. */
  readonly path: string
}

export type Format =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | { readonly kind: 'schema'; readonly schema: unknown }

type Fields = Readonly<Record<string, unknown>>

export function readRequest(bytes: Buffer): MockRequest {
  const body = parse(bytes)
  const { messages } = body
  if (!Array.isArray(messages) || !messages.every(isFields)) throw invalid('messages', 'a list of messages')
  const { model, stream } = decodeRequest({ model: body.model, stream: body.stream }, unasked)
  return {
    model,
    hash: hashOf(bytes),
    stream,
    includeUsage: stream && fieldsOf(body.stream_options).include_usage === true,
    messages: decodeRequest({ messages }, unasked).messages,
    tools: toolUseOf(body),
    format: formatOf(body.response_format),
    count: wholeNumber(body, 'n', 16) ?? 1,
    maxTokens: wholeNumber(body, 'max_completion_tokens') ?? wholeNumber(body, 'max_tokens'),
    stops: stopsOf(body.stop),
    options: readOptions(body.mock),
  }
}

/** The address says nothing in this dialect. */
const unasked = { model: '', stream: false }

export const hashOf = (bytes: Buffer): string => hash('sha256', bytes).slice(0, 12)

function parse(bytes: Buffer): Fields {
  try {
    const body: unknown = JSON.parse(bytes.toString('utf8'))
    if (isFields(body)) return body
  } catch {}
  throw new GatewayError('invalid_json', 'The body must be a JSON object with `model` and `messages`.')
}

function toolUseOf(body: Fields): ToolUse {
  const { tools, tool_choice: choice } = body
  if (tools !== undefined && tools !== null && !(Array.isArray(tools) && tools.every(isTool))) {
    throw invalid('tools', 'a list of tools, each with `type` and `function.name`')
  }
  const offered = Array.isArray(tools) ? tools.map(toolOf) : []
  const parallel = body.parallel_tool_calls !== false
  if (choice === undefined || choice === null) return { mode: 'auto', offered, parallel }
  if (offered.length === 0 && choice !== 'none' && choice !== 'auto') {
    throw new GatewayError('bad_request', '`tool_choice` has nothing to choose from: the request offers no `tools`.', {
      param: 'tool_choice',
    })
  }
  if (choice === 'none' || choice === 'auto' || choice === 'required') return { mode: choice, offered, parallel }
  const chosen = fieldsOf(choice)
  if (chosen.type === 'allowed_tools') {
    const { mode, tools: allowed } = fieldsOf(chosen.allowed_tools)
    const names = Array.isArray(allowed) ? allowed.map(nameIn) : []
    return {
      mode: mode === 'required' ? 'required' : 'auto',
      offered: offered.filter(({ name }) => names.includes(name)),
      parallel,
    }
  }
  const named = offered.filter(({ name }) => name === nameIn(choice))
  if (named.length === 0)
    throw invalid('tool_choice', '"none", "auto", "required" or the name of a tool that is offered')
  return { mode: 'required', offered: named, parallel }
}

const toolOf = (tool: unknown, index: number): OfferedTool => {
  const { type, function: called } = fieldsOf(tool)
  return {
    type: type === 'custom' ? 'custom' : 'function',
    name: nameIn(tool) ?? '',
    schema: fieldsOf(called).parameters ?? { type: 'object' },
    path: `tools[${index}].function.parameters`,
  }
}

const nameIn = (tool: unknown): string | undefined => {
  const { function: called, custom } = fieldsOf(tool)
  const { name } = fieldsOf(called ?? custom)
  return typeof name === 'string' ? name : undefined
}

const isTool = (tool: unknown): boolean => nameIn(tool) !== undefined

function formatOf(written: unknown): Format {
  const { type, json_schema: named } = fieldsOf(written)
  if (type === 'json_object') return { kind: 'json' }
  if (type === 'json_schema') return { kind: 'schema', schema: fieldsOf(named).schema ?? {} }
  return { kind: 'text' }
}

function wholeNumber(body: Fields, field: string, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = body[field]
  if (value === undefined || value === null) return undefined
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number
  throw invalid(
    field,
    most === Number.MAX_SAFE_INTEGER ? 'a whole number of at least 1' : `a whole number from 1 to ${most}`,
  )
}

function stopsOf(written: unknown): readonly string[] {
  const stops = typeof written === 'string' ? [written] : (written ?? [])
  if (Array.isArray(stops) && stops.length <= 4 && stops.every((stop) => typeof stop === 'string'))
    return stops.filter((stop) => stop !== '')
  throw invalid('stop', 'a string or a list of at most four')
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

const invalid = (param: string, words: string): GatewayError =>
  new GatewayError('bad_request', `\`${param}\` must be ${words}.`, { param, openaiCode: 'invalid_value' })
