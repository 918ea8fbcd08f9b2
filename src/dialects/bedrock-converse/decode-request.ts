import type {
  ChatRequest,
  Format,
  FunctionTool,
  Message,
  Part,
  ReasoningWish,
  Settings,
  Tool,
  ToolChoice,
} from '../../core/chat.ts'
import type { Asked } from '../dialect.ts'
import { invalid, kindOf } from '../request-body.ts'
import {
  booleanOf,
  type Fields,
  fieldsOf,
  isFields,
  numberOf,
  present,
  rowOf,
  stringOf,
  textOf,
  without,
} from '../values.ts'
import { decodeBlocks, isPlainMark, markOf, servedName } from './decode-parts.ts'
import { dialectName, extraOf, restOf } from './extras.ts'

const readFields = new Set([
  'modelId',
  'messages',
  'system',
  'inferenceConfig',
  'toolConfig',
  'outputConfig',
  'requestMetadata',
  'serviceTier',
  'additionalModelRequestFields',
])

export function decodeRequest(body: unknown, { model, stream }: Asked): ChatRequest {
  if (!isFields(body)) throw invalid('', `The body must be a JSON object, not ${kindOf(body)}.`)
  const system = decodeBlocks(checkedList(body.system, 'system'))
  const tools = fieldsOf(body.toolConfig)
  const inference = fieldsOf(body.inferenceConfig)
  const output = fieldsOf(body.outputConfig)
  const more = fieldsOf(body.additionalModelRequestFields)
  const format = formatOf(output.textFormat)
  const reasoning = reasoningOf(more, output.effort)
  const choice = toolChoiceOf(tools.toolChoice)
  const parallel = parallelOf(more.tool_choice)
  const ownOutput = without(output, new Set(format ? ['textFormat', 'effort'] : ['effort']))
  const ownInference = without(inference, inferenceFields)
  const ownTools = without(tools, new Set(choice ? ['tools', 'toolChoice'] : ['tools']))
  const ownMore = without(more, moreFields)
  return {
    model,
    stream,
    messages: [
      ...(system.length > 0 ? [{ role: 'system' as const, parts: system }] : []),
      ...checkedList(body.messages, 'messages').flatMap(decodeMessage),
    ],
    tools: decodeTools(checkedList(tools.tools, 'toolConfig.tools')),
    ...present({ toolChoice: choice, parallelToolCalls: parallel, format, reasoning }),
    settings: settingsOf(body, inference, more),
    ...extraOf(
      {
        ...without(body, readFields),
        ...named('inferenceConfig', ownInference),
        ...named('outputConfig', ownOutput),
        ...named('toolConfig', ownTools),
        ...named('additionalModelRequestFields', ownMore),
      },
      // Which names a model has for the same thing is its own affair: they go back as they came.
      output.effort === undefined
        ? named('additionalModelRequestFields', more)
        : { additionalModelRequestFields: more, effort: output.effort },
    ),
  }
}

const named = (name: string, fields: Fields): Fields => (Object.keys(fields).length === 0 ? {} : { [name]: fields })

/** The objects of a list that may be missing; a list of anything else cannot be understood. */
function checkedList(value: unknown, field: string): readonly Fields[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(field, `\`${field}\` must be a list, not ${kindOf(value)}.`)
  const wrong = value.findIndex((item) => !isFields(item))
  if (wrong >= 0) {
    const place = `${field}[${wrong}]`
    throw invalid(place, `\`${place}\` must be an object, not ${kindOf(value[wrong])}.`)
  }
  return value
}

const messageFields = new Set(['role', 'content'])

/** Results of tools get messages of their own. */
function decodeMessage(wire: Fields, index: number): readonly Message[] {
  const place = `messages[${index}]`
  const { role } = wire
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    throw invalid(`${place}.role`, `\`${place}.role\` must be "user" or "assistant", not ${JSON.stringify(role)}.`)
  const parts = decodeBlocks(checkedList(wire.content, `${place}.content`), role)
  const extra = restOf(wire, messageFields, role === 'system' ? { isMessage: true } : undefined)
  if (role !== 'user') return [{ role, parts, ...extra }]
  const messages: { role: 'user' | 'tool'; parts: Part[] }[] = []
  for (const part of parts) {
    const of = part.kind === 'tool-result' ? 'tool' : 'user'
    const last = messages.at(-1)
    if (last?.role === of) last.parts.push(part)
    else messages.push({ role: of, parts: [part] })
  }
  if (messages.length === 0) return [{ role, parts: [], ...extra }]
  return messages.map((message, at) => (at === 0 ? { ...message, ...extra } : message))
}

const toolFields = new Set(['name', 'description', 'inputSchema', 'strict'])

function decodeTools(wire: readonly Fields[]): readonly Tool[] {
  const tools: Tool[] = []
  for (const one of wire) {
    const last = tools.at(-1)
    if (isFields(one.toolSpec)) tools.push(functionOf(one.toolSpec))
    else if (isFields(one.cachePoint) && last && last.kind !== 'custom' && !last.cache && isPlainMark(one.cachePoint))
      tools[tools.length - 1] = { ...last, cache: markOf(one.cachePoint) }
    else {
      const name = stringOf(fieldsOf(one.systemTool).name)
      tools.push({
        kind: 'server',
        name: name === undefined ? (Object.keys(one)[0] ?? '') : servedName(name),
        dialect: dialectName,
        value: one,
      })
    }
  }
  return tools
}

function functionOf(spec: Fields): FunctionTool {
  const schema = fieldsOf(spec.inputSchema).json
  return {
    kind: 'function',
    name: textOf(spec.name),
    ...present({ description: stringOf(spec.description), schema, strict: booleanOf(spec.strict) }),
    ...restOf(spec, toolFields),
  }
}

function toolChoiceOf(wire: unknown): ToolChoice | undefined {
  const { auto, any, tool } = fieldsOf(wire)
  if (auto !== undefined) return { mode: 'auto' }
  if (any !== undefined) return { mode: 'required' }
  const name = stringOf(fieldsOf(tool).name)
  return name === undefined ? undefined : { mode: 'required', names: [name] }
}

/** Claude's way to ask for one call at a time. */
function parallelOf(wire: unknown): boolean | undefined {
  const disabled = booleanOf(fieldsOf(wire).disable_parallel_tool_use)
  return disabled === undefined ? undefined : !disabled
}

function formatOf(wire: unknown): Format | undefined {
  const { schema, name, description } = fieldsOf(fieldsOf(fieldsOf(wire).structure).jsonSchema)
  if (typeof schema !== 'string') return undefined
  try {
    return {
      kind: 'schema',
      schema: JSON.parse(schema),
      ...present({ name: stringOf(name), description: stringOf(description) }),
    }
  } catch {
    return undefined
  }
}

const inferenceFields = new Set(['maxTokens', 'temperature', 'topP', 'stopSequences'])

function settingsOf(body: Fields, inference: Fields, more: Fields): Settings {
  const stop = inference.stopSequences
  const metadata = Object.entries(fieldsOf(body.requestMetadata)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return present({
    maxTokens: numberOf(inference.maxTokens),
    temperature: numberOf(inference.temperature),
    topP: numberOf(inference.topP),
    topK: numberOf(more.top_k) ?? numberOf(fieldsOf(more.inferenceConfig).topK) ?? numberOf(more.k),
    stop:
      Array.isArray(stop) && stop.length > 0 ? stop.filter((one): one is string => typeof one === 'string') : undefined,
    metadata: metadata.length === 0 ? undefined : Object.fromEntries(metadata),
    serviceTier: stringOf(fieldsOf(body.serviceTier).type),
  })
}

/** What is read of the fields for one maker's models. `tool_choice` and `inferenceConfig` hold nothing else that is used. */
const moreFields = new Set([
  'top_k',
  'k',
  'inferenceConfig',
  'tool_choice',
  'thinking',
  'reasoning_config',
  'reasoningConfig',
  'reasoning_effort',
])

const modes = { enabled: 'on', adaptive: 'adaptive', disabled: 'off' } as const

function reasoningOf(more: Fields, effort: unknown): ReasoningWish | undefined {
  const thinking = fieldsOf(more.thinking ?? more.reasoning_config ?? more.reasoningConfig)
  const { display } = thinking
  const wish = present({
    effort: stringOf(effort) ?? stringOf(more.reasoning_effort) ?? stringOf(thinking.maxReasoningEffort),
    budget: numberOf(thinking.budget_tokens),
    mode: rowOf(modes, thinking.type),
    shown: display === 'summarized' ? true : display === 'omitted' ? false : undefined,
  })
  return Object.keys(wish).length === 0 ? undefined : wish
}
