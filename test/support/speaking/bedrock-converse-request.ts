import {
  anything,
  base64,
  fields,
  like,
  list,
  number,
  object,
  objectSchema,
  oneOf,
  tagged,
  text,
  truth,
  union,
  words,
} from './shape.ts'

export interface Body {
  readonly messages: readonly Message[]
  readonly system?: readonly { readonly text?: string }[]
  readonly inferenceConfig?: {
    maxTokens?: number
    temperature?: number
    topP?: number
    stopSequences?: readonly string[]
  }
  readonly toolConfig?: {
    readonly tools: readonly Tool[]
    readonly toolChoice?: { any?: object; tool?: { name: string } }
  }
  readonly outputConfig?: {
    readonly textFormat?: { readonly structure: { readonly jsonSchema: { readonly schema: string } } }
  }
  readonly additionalModelRequestFields?: {
    readonly thinking?: { readonly type: string; readonly budget_tokens?: number }
  }
}

interface Tool {
  readonly toolSpec?: {
    readonly name: string
    readonly description?: string
    readonly inputSchema: { readonly json: unknown }
  }
}

export interface Message {
  readonly role: string
  readonly content: readonly Block[]
}

export interface Block {
  readonly text?: string
  readonly image?: { readonly format: string; readonly source: { readonly bytes: string } }
  readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: unknown }
  readonly toolResult?: {
    readonly toolUseId: string
    readonly content: readonly (Pick<Block, 'text' | 'image'> & { readonly json?: unknown })[]
  }
  readonly reasoningContent?: Reasoning
}

export interface Reasoning {
  readonly reasoningText?: { readonly text: string; readonly signature?: string }
  readonly redactedContent?: string
}

const id = like(/^[a-zA-Z0-9_-]{1,64}$/)
const cachePoint = fields({ type: oneOf('default') }, { ttl: oneOf('5m', '1h') })
const image = fields({
  format: oneOf('png', 'jpeg', 'gif', 'webp'),
  source: union({ bytes: base64, s3Location: object }),
})
const document = fields(
  {
    name: like(/^[a-zA-Z0-9 \-()[\]]+$/),
    source: union({ bytes: base64, s3Location: object, text, content: list(object) }),
  },
  { format: oneOf('pdf', 'csv', 'doc', 'docx', 'xls', 'xlsx', 'html', 'txt', 'md'), context: text, citations: object },
)
const block = union({
  text: words,
  image,
  document,
  toolUse: fields({ toolUseId: id, name: id, input: object }),
  toolResult: fields(
    { toolUseId: id, content: list(union({ text, json: object, image, document })) },
    { status: oneOf('success', 'error') },
  ),
  reasoningContent: union({ reasoningText: fields({ text }, { signature: text }), redactedContent: base64 }),
  cachePoint,
})
const tool = union({
  toolSpec: fields({ name: id, inputSchema: fields({ json: objectSchema }) }, { description: words, strict: truth }),
  cachePoint,
})
export const ofBedrock = fields(
  { messages: list(fields({ role: oneOf('user', 'assistant'), content: list(block, 1) }), 1) },
  {
    system: list(union({ text: words, cachePoint })),
    inferenceConfig: fields(
      {},
      { maxTokens: number(1, 64_000), temperature: number(0, 1), topP: number(0, 1), stopSequences: list(words, 0, 4) },
    ),
    toolConfig: fields(
      { tools: list(tool, 1) },
      { toolChoice: union({ auto: fields({}), any: fields({}), tool: fields({ name: id }) }) },
    ),
    outputConfig: fields(
      {},
      {
        textFormat: fields({
          type: oneOf('json_schema'),
          structure: union({ jsonSchema: fields({ schema: text }, { name: text, description: text }) }),
        }),
        effort: text,
      },
    ),
    additionalModelRequestFields: fields(
      {},
      {
        thinking: tagged('type', {
          enabled: fields({ type: anything, budget_tokens: number(1024, 64_000) }),
          disabled: fields({ type: anything }),
        }),
        tool_choice: object,
        top_k: number(1, 1000),
        anthropic_beta: list(text),
      },
    ),
    requestMetadata: object,
    serviceTier: fields({ type: text }),
    performanceConfig: object,
  },
)
