import {
  anything,
  base64,
  either,
  fields,
  later,
  like,
  list,
  nothing,
  number,
  object,
  objectSchema,
  oneOf,
  type Shape,
  tagged,
  text,
  truth,
  words,
} from './shape.ts'

export interface Body {
  readonly model: string
  readonly max_tokens: number
  readonly messages: readonly WireMessage[]
  readonly system?: string | readonly { readonly text: string }[]
  readonly stream?: boolean
  readonly tools?: readonly { name: string; description?: string; input_schema: unknown }[]
  readonly tool_choice?: { readonly type: string; readonly name?: string }
  readonly thinking?: { readonly type: string; readonly budget_tokens?: number }
  readonly output_config?: { readonly format?: { readonly schema: unknown } }
  readonly temperature?: number
  readonly top_p?: number
  readonly top_k?: number
  readonly stop_sequences?: readonly string[]
}

export interface WireMessage {
  readonly role: string
  readonly content: string | readonly Block[]
}

export interface Block {
  readonly type: string
  readonly text?: string
  readonly id?: string
  readonly name?: string
  readonly input?: unknown
  readonly tool_use_id?: string
  readonly content?: string | readonly Block[]
  readonly thinking?: string
  readonly signature?: string
  readonly data?: string
  readonly source?: { readonly type: string; readonly media_type: string; readonly data: string }
}

const cached = { cache_control: either(nothing, fields({ type: oneOf('ephemeral') }, { ttl: oneOf('5m', '1h') })) }
const id = like(/^[a-zA-Z0-9_-]+$/)
const name = like(/^[a-zA-Z0-9_-]{1,128}$/)
const textBlock = fields({ type: anything, text: words }, { ...cached, citations: either(nothing, list(object, 0, 0)) })
const source = tagged('type', {
  base64: fields({ type: anything, media_type: text, data: base64 }),
  url: fields({ type: anything, url: text }),
  text: fields({ type: anything, media_type: text, data: text }),
  file: fields({ type: anything, file_id: text }),
})
const image = fields({ type: anything, source }, cached)
const document = fields({ type: anything, source }, { ...cached, title: text, context: text, citations: object })
const result: Shape = fields(
  { type: anything, tool_use_id: id },
  {
    ...cached,
    content: either(list(later(() => tagged('type', { text: textBlock, image, document }))), text),
    is_error: truth,
  },
)
const blocks: Readonly<Record<string, Shape>> = {
  text: textBlock,
  image,
  document,
  tool_use: fields({ type: anything, id, name, input: object }, { ...cached, caller: object }),
  tool_result: result,
  thinking: fields({ type: anything, thinking: text, signature: text }),
  redacted_thinking: fields({ type: anything, data: text }),
}
const message = fields({ role: oneOf('user', 'assistant'), content: either(list(tagged('type', blocks), 1), words) })
const tool = fields(
  { name, input_schema: objectSchema },
  {
    ...cached,
    type: oneOf('custom'),
    description: text,
    strict: truth,
    eager_input_streaming: truth,
    defer_loading: truth,
  },
)
const serial = { disable_parallel_tool_use: truth }
/** What has tokens; only this is taken where they are counted. */
const counted: Readonly<Record<string, Shape>> = {
  system: either(list(textBlock), words),
  tools: list(tool),
  tool_choice: tagged('type', {
    auto: fields({ type: anything }, serial),
    any: fields({ type: anything }, serial),
    tool: fields({ type: anything, name }, serial),
    none: fields({ type: anything }),
  }),
  thinking: tagged('type', {
    enabled: fields(
      { type: anything, budget_tokens: number(1024, 64_000) },
      { display: oneOf('summarized', 'omitted') },
    ),
    adaptive: fields({ type: anything }, { display: oneOf('summarized', 'omitted') }),
    disabled: fields({ type: anything }),
  }),
  output_config: fields(
    {},
    {
      effort: oneOf('low', 'medium', 'high', 'max'),
      format: fields({ type: oneOf('json_schema'), schema: object }),
    },
  ),
  ...cached,
}

export const ofCounting = fields({ model: words, messages: list(message, 1) }, counted)

export const ofAnthropic = fields(
  { model: words, max_tokens: number(0, 64_000), messages: list(message, 1) },
  {
    ...counted,
    stream: truth,
    temperature: number(0, 1),
    top_p: number(0, 1),
    top_k: number(0, 1000),
    stop_sequences: list(words),
    metadata: fields({}, { user_id: text }),
    service_tier: oneOf('auto', 'standard_only'),
  },
)
