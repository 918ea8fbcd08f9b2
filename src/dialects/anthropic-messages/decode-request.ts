import type { ChatRequest, Extra, Format, Message, Part } from '../../core/chat.ts'
import type { Asked } from '../dialect.ts'
import { invalid, kindOf } from '../request-body.ts'
import {
  booleanOf,
  type Fields,
  fieldsOf,
  isFields,
  listIn,
  misread,
  numberOf,
  objectIn,
  stringOf,
  textOf,
  without,
} from '../values.ts'
import { decodeBlock } from './decode-block.ts'
import { rejoined } from './foreign-thoughts.ts'
import { decodeReasoning } from './reasoning.ts'
import { decodeSettings, otherMetadata } from './settings.ts'
import { decodeToolChoice, decodeTools } from './tools.ts'
import { dialectName, extraOf } from './wire.ts'

export function decodeRequest(body: unknown, asked: Asked): ChatRequest {
  if (!isFields(body)) throw invalid('', `The body must be a JSON object, not ${kindOf(body)}.`)
  const { rest: choiceRest, ...choice } = decodeToolChoice(body.tool_choice)
  const config = fieldsOf(body.output_config)
  const format = decodeFormat(config.format ?? body.output_format)
  const reasoning = decodeReasoning(body.thinking, config.effort)
  return {
    // Where the address has the model, the body has none.
    model: stringOf(body.model) ?? asked.model,
    stream: booleanOf(body.stream) ?? asked.stream,
    messages: [...decodeSystem(body.system), ...decodeMessages(body.messages)],
    tools: decodeTools(body.tools),
    ...choice,
    settings: decodeSettings(body),
    ...(format && { format }),
    ...(reasoning && { reasoning }),
    extra: requestExtra(body, config, format !== undefined, choiceRest),
  }
}

const requestFields = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'stop_sequences',
  'temperature',
  'top_p',
  'top_k',
  'metadata',
  'service_tier',
  'stream',
  'anthropic_version',
])

const readers = {
  max_tokens: numberOf,
  temperature: numberOf,
  top_p: numberOf,
  top_k: numberOf,
  stop_sequences: listIn,
  metadata: objectIn,
  service_tier: stringOf,
  output_config: objectIn,
  output_format: decodeFormat,
}

/** Always there, so that the request says in whose words it was. */
function requestExtra(body: Fields, config: Fields, hasFormat: boolean, choiceRest: Fields | undefined): Extra {
  const configRest = without(config, new Set(hasFormat ? ['effort', 'format'] : ['effort']))
  const fields = {
    ...without(body, requestFields),
    ...misread(body, readers),
    ...otherMetadata(body.metadata),
    ...(Object.keys(configRest).length > 0 && { output_config: configRest }),
    ...(choiceRest && { tool_choice: choiceRest }),
  }
  const version = stringOf(body.anthropic_version)
  return { dialect: dialectName, fields, ...(version !== undefined && { echo: { anthropic_version: version } }) }
}

function decodeFormat(format: unknown): Format | undefined {
  if (!isFields(format) || format.type !== 'json_schema') return undefined
  return { kind: 'schema', schema: format.schema }
}

function decodeSystem(system: unknown): readonly Message[] {
  if (system === undefined || system === null || system === '') return []
  const parts = decodeBlocksAt(system, 'system')
  return parts.length > 0 ? [{ role: 'system', parts }] : []
}

function decodeMessages(messages: unknown): readonly Message[] {
  if (!Array.isArray(messages))
    throw invalid('messages', `\`messages\` must be a list of messages, not ${kindOf(messages)}.`)
  return messages.flatMap((message: unknown, index) => decodeMessage(message, `messages[${index}]`))
}

const messageFields = new Set(['role', 'content'])

/** Results of tools stand in users' messages; inside they have one of their own, before what the user says. */
function decodeMessage(message: unknown, place: string): readonly Message[] {
  if (!isFields(message)) throw invalid(place, `\`${place}\` must be an object, not ${kindOf(message)}.`)
  const { role } = message
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    throw invalid(`${place}.role`, `\`${place}.role\` must be \`user\`, \`assistant\` or \`system\`.`)
  const parts = decodeBlocksAt(message.content, `${place}.content`)
  const extra = extraOf(without(message, messageFields))
  if (role !== 'user') return [{ role, parts, ...extra }]
  const results = parts.filter(({ kind }) => kind === 'tool-result')
  if (results.length === 0) return [{ role, parts, ...extra }]
  const others = parts.filter(({ kind }) => kind !== 'tool-result')
  const told: Message = { role: 'tool', parts: results, ...extra }
  return others.length > 0 ? [told, { role, parts: others }] : [told]
}

function decodeBlocksAt(content: unknown, place: string): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }]
  if (!Array.isArray(content))
    throw invalid(place, `\`${place}\` must be a text or a list of blocks, not ${kindOf(content)}.`)
  const parts = content.map((block: unknown, index) => {
    if (isFields(block) && textOf(block.type) !== '') return decodeBlock(block)
    throw invalid(`${place}[${index}]`, `\`${place}[${index}]\` must be a block of content with a \`type\`.`)
  })
  return rejoined(parts)
}
