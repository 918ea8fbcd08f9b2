import {
  base64,
  either,
  fields,
  like,
  list,
  number,
  object,
  objectSchema,
  oneOf,
  text,
  truth,
  union,
  words,
} from './shape.ts'

export interface Body {
  readonly contents: readonly Content[]
  readonly systemInstruction?: Content
  readonly tools?: readonly { readonly functionDeclarations?: readonly Declared[] }[]
  readonly toolConfig?: { readonly functionCallingConfig?: { mode?: string; allowedFunctionNames?: readonly string[] } }
  readonly generationConfig?: Config
}

interface Config {
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly stopSequences?: readonly string[]
  readonly responseMimeType?: string
  readonly responseSchema?: unknown
  readonly responseJsonSchema?: unknown
  readonly thinkingConfig?: {
    readonly includeThoughts?: boolean
    readonly thinkingBudget?: number
    readonly thinkingLevel?: string
  }
}

interface Declared {
  readonly name: string
  readonly description?: string
  readonly parameters?: unknown
  readonly parametersJsonSchema?: unknown
}

export interface Content {
  readonly role?: string
  readonly parts: readonly Part[]
}

export interface Part {
  readonly text?: string
  readonly thought?: boolean
  readonly thoughtSignature?: string
  readonly inlineData?: { readonly mimeType: string; readonly data: string }
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args?: object }
  readonly functionResponse?: {
    readonly id?: string
    readonly name: string
    readonly response: object
    readonly parts?: readonly Part[]
  }
}

const name = like(/^[a-zA-Z_][\w.:-]{0,127}$/)
const blob = fields({ mimeType: like(/^\w+\/[\w.+-]+$/), data: base64 }, { displayName: text })
const part = union(
  {
    text,
    inlineData: blob,
    fileData: fields({ fileUri: words }, { mimeType: text, displayName: text }),
    functionCall: fields({ name }, { id: text, args: object }),
    functionResponse: fields({ name, response: object }, { id: text, parts: list(fields({ inlineData: blob })) }),
  },
  { thought: truth, thoughtSignature: text },
)
const content = fields({ parts: list(part, 1) }, { role: oneOf('user', 'model') })

/** The subset of OpenAPI that the older fields take, where it differs most from JSON Schema. */
const openApiSchema = (value: unknown, path: string): ReturnType<typeof object> => {
  const flaw = object(value, path)
  if (flaw) return flaw
  for (const [key, inner] of Object.entries(value as object)) {
    if (
      /^(additionalProperties|\$\w+|const|oneOf|allOf|patternProperties|exclusiveMinimum|exclusiveMaximum)$/.test(key)
    )
      return { path: `${path}.${key}`, kind: 'unknown', says: 'is not known' }
    const nested =
      key === 'properties'
        ? Object.entries(inner as object)
        : key === 'items'
          ? [['items', inner] as const]
          : key === 'anyOf'
            ? Object.entries(inner as object)
            : []
    for (const [where, schema] of nested) {
      const found = openApiSchema(schema, `${path}.${where}`)
      if (found) return found
    }
  }
  return undefined
}

const declared = fields(
  { name },
  {
    description: text,
    parameters: openApiSchema,
    parametersJsonSchema: objectSchema,
    behavior: text,
    response: object,
  },
)
const beside = {
  systemInstruction: content,
  tools: list(fields({}, { functionDeclarations: list(declared, 1, 512) })),
  toolConfig: fields(
    {},
    {
      functionCallingConfig: fields(
        {},
        { mode: oneOf('AUTO', 'ANY', 'NONE', 'VALIDATED'), allowedFunctionNames: list(name) },
      ),
    },
  ),
  generationConfig: fields(
    {},
    {
      temperature: number(0, 2),
      topP: number(0, 1),
      topK: number(1, 1000),
      candidateCount: oneOf(1),
      maxOutputTokens: number(1, 65_536),
      stopSequences: list(words, 0, 5),
      responseMimeType: oneOf('text/plain', 'application/json'),
      responseSchema: openApiSchema,
      responseJsonSchema: object,
      seed: number(-(2 ** 31), 2 ** 31),
      presencePenalty: number(-2, 2),
      frequencyPenalty: number(-2, 2),
      thinkingConfig: fields(
        {},
        {
          includeThoughts: truth,
          thinkingBudget: number(-1, 32_768),
          thinkingLevel: like(/^(minimal|low|medium|high)$/i),
        },
      ),
    },
  ),
  safetySettings: list(fields({ category: words, threshold: words })),
  serviceTier: text,
}

export const ofGemini = fields({ contents: list(content, 1) }, beside)

/** Where tokens are counted it is either the contents alone, or a whole request inside. */
export const ofCounting = either(
  fields({ contents: list(content, 1) }),
  fields({
    generateContentRequest: fields({ model: like(/^models\//), contents: list(content, 1) }, beside),
  }),
)
