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
  readonly input: string | readonly Item[]
  readonly instructions?: string | null
  readonly stream?: boolean | null
  readonly store?: boolean | null
  readonly previous_response_id?: string | null
  readonly include?: readonly string[] | null
  readonly tools?: readonly {
    readonly name: string
    readonly description?: string | null
    readonly parameters?: unknown
  }[]
  readonly tool_choice?: string | { readonly name: string }
  readonly reasoning?: { readonly effort?: string | null; readonly summary?: string | null } | null
  readonly text?: { readonly format?: { readonly type: string; readonly schema?: unknown } }
  readonly max_output_tokens?: number | null
  readonly temperature?: number | null
}

export interface Item {
  readonly status?: string
  readonly type?: string
  readonly role?: string
  readonly id?: string
  readonly content?: string | readonly Part[]
  readonly call_id?: string
  readonly name?: string
  readonly arguments?: string
  readonly output?: string | readonly Part[]
  readonly summary?: readonly Part[]
  readonly encrypted_content?: string | null
}

export interface Part {
  readonly type: string
  readonly annotations?: readonly object[]
  readonly logprobs?: readonly object[]
  readonly text?: string
  readonly image_url?: string
}

const name = like(/^[a-zA-Z0-9_-]{1,64}$/)
const maybe = (shape: typeof text): typeof text => either(nothing, shape)
const inputPart = tagged('type', {
  input_text: fields({ type: anything, text }),
  input_image: fields(
    { type: anything },
    { image_url: like(/^(https?:|data:)/), detail: oneOf('auto', 'low', 'high', 'original'), file_id: maybe(text) },
  ),
  input_file: fields({ type: anything }, { file_data: text, file_url: text, file_id: text, filename: text }),
})
const outputPart = tagged('type', {
  output_text: fields({ type: anything, text }, { annotations: list(object), logprobs: list(object) }),
  refusal: fields({ type: anything, refusal: text }),
})
const status = oneOf('in_progress', 'completed', 'incomplete')
export const ofRole = (part: typeof text): typeof text =>
  fields(
    { role: anything, content: either(list(part, 1), text) },
    { type: oneOf('message'), id: like(/^msg_/), status, phase: oneOf('commentary', 'final_answer', null) },
  )
const message = tagged('role', {
  user: ofRole(inputPart),
  system: ofRole(inputPart),
  developer: ofRole(inputPart),
  assistant: ofRole(outputPart),
})
const items = {
  function_call: fields(
    { type: anything, call_id: like(/^.{1,64}$/), name, arguments: text },
    { id: like(/^fc_/), status, namespace: text },
  ),
  function_call_output: fields(
    { type: anything, call_id: like(/^.{1,64}$/), output: either(list(inputPart), text) },
    { id: maybe(like(/^fc_/)), status },
  ),
  reasoning: fields(
    { type: anything, id: like(/^rs_/), summary: list(fields({ type: oneOf('summary_text'), text })) },
    { encrypted_content: maybe(text), content: list(object), status: maybe(status) },
  ),
  item_reference: fields({ type: anything, id: text }),
  message,
}
const item: typeof text = (value, path) =>
  (value as Item | null)?.type === undefined ? message(value, path) : tagged('type', items)(value, path)
const tool = fields(
  { type: oneOf('function'), name, parameters: objectSchema },
  { strict: maybe(truth), description: maybe(text), defer_loading: truth },
)
const format = tagged('type', {
  text: fields({ type: anything }),
  json_object: fields({ type: anything }),
  json_schema: fields({ type: anything, name, schema: object }, { strict: maybe(truth), description: text }),
})

export const ofResponses = fields(
  { model: words, input: either(list(item, 1), words) },
  {
    instructions: maybe(text),
    stream: maybe(truth),
    stream_options: maybe(fields({}, { include_obfuscation: truth })),
    store: maybe(truth),
    previous_response_id: maybe(text),
    include: maybe(list(oneOf('reasoning.encrypted_content', 'message.output_text.logprobs'))),
    tools: list(tool),
    tool_choice: either(fields({ type: oneOf('function'), name }), oneOf('none', 'auto', 'required')),
    parallel_tool_calls: maybe(truth),
    reasoning: maybe(
      fields(
        {},
        {
          effort: maybe(oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max')),
          summary: maybe(oneOf('auto', 'concise', 'detailed')),
        },
      ),
    ),
    text: fields({}, { format, verbosity: maybe(oneOf('low', 'medium', 'high')) }),
    max_output_tokens: maybe(number(16, 128_000)),
    temperature: maybe(number(0, 2)),
    top_p: maybe(number(0, 1)),
    truncation: maybe(oneOf('auto', 'disabled')),
    metadata: maybe(object),
    user: text,
    safety_identifier: text,
    prompt_cache_key: text,
    service_tier: maybe(text),
  },
)
