import {
  anything,
  either,
  fields,
  like,
  list,
  nothing,
  number,
  object,
  objectSchema,
  oneOf,
  tagged,
  text,
  truth,
  words,
} from './shape.ts'

export interface Body {
  readonly model: string
  readonly messages: readonly WireMessage[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly tools?: readonly { readonly function: { name: string; description?: string; parameters?: unknown } }[]
  readonly tool_choice?: string | { readonly function: { readonly name: string } }
  readonly parallel_tool_calls?: boolean
  readonly response_format?: { readonly type: string; readonly json_schema?: { readonly schema?: unknown } }
  readonly reasoning_effort?: string
  readonly thinking?: { readonly type: string }
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
  readonly temperature?: number
  readonly stop?: string | readonly string[]
}

export interface WireMessage {
  readonly role: string
  readonly content?: string | readonly WirePart[] | null
  readonly tool_calls?: readonly WireCall[]
  readonly tool_call_id?: string
  readonly reasoning_content?: string
}

export interface WirePart {
  readonly type: string
  readonly text?: string
  readonly image_url?: { readonly url: string }
}

export interface WireCall {
  readonly id: string
  readonly function: { readonly name: string; readonly arguments: string }
}

const name = like(/^[a-zA-Z0-9_-]{1,64}$/)
const textPart = fields({ type: oneOf('text'), text })
const texts = either(list(textPart, 1), text)
const userPart = tagged('type', {
  text: textPart,
  image_url: fields({
    type: anything,
    image_url: fields({ url: like(/^(https?:|data:)/) }, { detail: oneOf('auto', 'low', 'high', 'original') }),
  }),
  input_audio: fields({ type: anything, input_audio: fields({ data: text, format: oneOf('wav', 'mp3') }) }),
  file: fields({ type: anything, file: fields({}, { file_data: text, filename: text, file_id: text }) }),
})
const call = fields({
  id: words,
  type: oneOf('function'),
  // The SDK's own helper adds what it has parsed, and hands it back.
  function: fields({ name, arguments: text }, { parsed_arguments: nothing }),
})
const assistant = {
  role: anything,
}
const assistantMay = {
  content: either(
    list(tagged('type', { text: textPart, refusal: fields({ type: anything, refusal: text }) }), 1),
    nothing,
    text,
  ),
  tool_calls: list(call, 1),
  refusal: either(nothing, text),
  audio: either(nothing, fields({ id: text })),
  // What an answer has besides, when it is handed back as it came.
  annotations: list(object),
  parsed: nothing,
  name: text,
}
const messageOf = (assistantShape: ReturnType<typeof fields>): ReturnType<typeof tagged> =>
  tagged('role', {
    system: fields({ role: anything, content: texts }, { name: text }),
    developer: fields({ role: anything, content: texts }, { name: text }),
    user: fields({ role: anything, content: either(list(userPart, 1), text) }, { name: text }),
    assistant: assistantShape,
    tool: fields({ role: anything, content: texts, tool_call_id: words }, { name: text }),
  })
const tool = fields({
  type: oneOf('function'),
  function: fields({ name }, { description: text, parameters: objectSchema, strict: either(nothing, truth) }),
})
const choice = either(
  fields({ type: oneOf('function'), function: fields({ name }) }),
  oneOf('none', 'auto', 'required'),
)
const format = tagged('type', {
  text: fields({ type: anything }),
  json_object: fields({ type: anything }),
  json_schema: fields({
    type: anything,
    json_schema: fields({ name, schema: object }, { strict: either(nothing, truth), description: text }),
  }),
})

/** What both OpenAI and the hosts that copy it know. */
const common = {
  tools: list(tool, 1, 128),
  tool_choice: choice,
  stream: truth,
  stream_options: fields({}, { include_usage: truth, include_obfuscation: truth }),
  stop: either(list(text, 1, 4), text),
  temperature: number(0, 2),
  top_p: number(0, 1),
}

export const ofOpenAi = fields(
  { model: words, messages: list(messageOf(fields(assistant, assistantMay)), 1) },
  {
    ...common,
    parallel_tool_calls: truth,
    response_format: format,
    max_tokens: number(1, 128_000),
    max_completion_tokens: number(1, 128_000),
    reasoning_effort: oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
    verbosity: oneOf('low', 'medium', 'high'),
    n: oneOf(1),
    seed: number(0, 2 ** 31),
    frequency_penalty: number(-2, 2),
    presence_penalty: number(-2, 2),
    store: truth,
    user: text,
    metadata: object,
    service_tier: text,
    safety_identifier: text,
    prompt_cache_key: text,
    logprobs: truth,
    top_logprobs: number(0, 20),
  },
)

/** DeepSeek shows its thoughts, and has to have them back beside the calls that they led to. */
export const ofDeepSeek = fields(
  { model: words, messages: list(messageOf(fields(assistant, { ...assistantMay, reasoning_content: text })), 1) },
  {
    ...common,
    response_format: fields({ type: oneOf('text', 'json_object') }),
    max_tokens: number(1, 64_000),
    max_completion_tokens: number(1, 64_000),
    thinking: fields({ type: oneOf('enabled', 'disabled') }),
    // What it does not know itself, but lets pass.
    store: truth,
    parallel_tool_calls: truth,
    reasoning_effort: oneOf('low', 'medium', 'high', 'max'),
  },
)
