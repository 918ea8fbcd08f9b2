import type { ChatRequest, Format, FunctionTool, ReasoningWish, Settings, Tool } from '../../core/chat.ts'
import { checkList, invalid, kindOf } from '../request-body.ts'
import {
  booleanOf,
  type Fields,
  fieldsOf,
  isFields,
  listOf,
  numberOf,
  present,
  stringOf,
  textOf,
  without,
} from '../values.ts'
import { decodeMessage, roleOf } from './decode-message.ts'
import { dialectName, extraOf, restOf } from './extras.ts'

const readFields = new Set([
  'model',
  'messages',
  'tools',
  'stream',
  'format',
  'options',
  'think',
  'logprobs',
  'top_logprobs',
])

export function decodeRequest(body: unknown): ChatRequest {
  if (!isFields(body)) throw invalid('', `The body must be a JSON object, not ${kindOf(body)}.`)
  checkList(body.messages ?? [], 'messages', 'with `role` and `content`')
  const options = fieldsOf(body.options)
  const ownOptions = without(options, optionFields)
  return {
    model: textOf(body.model),
    // The format's own default is to stream.
    stream: body.stream !== false,
    messages: listOf(body.messages).map((wire, index) => {
      const role = roleOf(wire.role)
      if (role) return decodeMessage(wire, role)
      const place = `messages[${index}].role`
      throw invalid(
        place,
        `\`${place}\` must be "system", "user", "assistant" or "tool", not ${JSON.stringify(wire.role)}.`,
      )
    }),
    tools: listOf(body.tools).map(toolOf),
    settings: settingsOf(body, options),
    ...present({ format: formatOf(body.format), reasoning: reasoningOf(body.think) }),
    ...extraOf({
      ...without(body, readFields),
      ...(Object.keys(ownOptions).length > 0 && { options: ownOptions }),
    }),
  }
}

const optionFields = new Set([
  'num_predict',
  'temperature',
  'top_p',
  'top_k',
  'seed',
  'stop',
  'presence_penalty',
  'frequency_penalty',
])

function settingsOf(body: Fields, options: Fields): Settings {
  const { stop } = options
  const stops = (Array.isArray(stop) ? stop : [stop]).filter((one): one is string => typeof one === 'string')
  const most = numberOf(options.num_predict)
  return present({
    // Less than nothing is without a limit.
    maxTokens: most !== undefined && most >= 0 ? most : undefined,
    temperature: numberOf(options.temperature),
    topP: numberOf(options.top_p),
    topK: numberOf(options.top_k),
    seed: numberOf(options.seed),
    stop: stops.length > 0 ? stops : undefined,
    presencePenalty: numberOf(options.presence_penalty),
    frequencyPenalty: numberOf(options.frequency_penalty),
    logprobs: booleanOf(body.logprobs) === true ? (numberOf(body.top_logprobs) ?? 0) : undefined,
  })
}

const toolFields = new Set(['name', 'description', 'parameters'])

function toolOf(wire: Fields): Tool {
  const said = fieldsOf(wire.function)
  if (!isFields(wire.function)) return { kind: 'server', name: textOf(wire.type), dialect: dialectName, value: wire }
  return {
    kind: 'function',
    name: textOf(said.name),
    ...present({ description: stringOf(said.description), schema: said.parameters }),
    ...restOf(said, toolFields),
  } satisfies FunctionTool
}

const formatOf = (format: unknown): Format | undefined =>
  format === 'json' ? { kind: 'json' } : isFields(format) ? { kind: 'schema', schema: format } : undefined

const reasoningOf = (think: unknown): ReasoningWish | undefined =>
  typeof think === 'string' && think !== ''
    ? { effort: think }
    : typeof think === 'boolean'
      ? { mode: think ? 'on' : 'off' }
      : undefined
