import { type Body, type Content, ofCounting, ofGemini, type Part } from './gemini-request.ts'
import type { Heard, Refusal, Reply, Result } from './script.ts'
import { used } from './script.ts'
import type { Flaw } from './shape.ts'
import { checked, letters, newId, newSeal, pieces, type Refused, refuse, type Voice } from './voice.ts'

/** From version 3 on calls have ids, and come back with what was thought before them. */
const isThree = (model: string): boolean => /^gemini-[3-9]/.test(model)

/** Stands for thoughts that nobody has: for turns of other providers. */
const noSignature = 'skip_thought_signature_validator'

export function gemini(): Voice {
  const signed = new Set<string>()
  return {
    wire: 'gemini',
    streamType: 'text/event-stream',
    address(path, query) {
      const [, model, verb] =
        /^\/v1(?:beta)?\/models\/([^/]+):(generateContent|streamGenerateContent|countTokens)$/.exec(path) ?? []
      if (!model) return undefined
      if (verb === 'streamGenerateContent' && query.get('alt') !== 'sse') return undefined
      const isCount = verb === 'countTokens'
      return {
        model: decodeURIComponent(model),
        stream: verb === 'streamGenerateContent',
        ...(isCount && { counts: true }),
      }
    },
    keyOf: ({ 'x-goog-api-key': key }) => (typeof key === 'string' ? key : undefined),
    hear: (body, { model = '', stream = false }) => hear(body, model, stream, signed),
    whole: (heard, reply) => response(heard, reply, partsOf(heard, reply, signed), 'STOP'),
    stream: (heard, reply) => stream(heard, reply, partsOf(heard, reply, signed)),
    refuse: refused,
    count(body) {
      checked(ofCounting, body, worded)
      return { totalTokens: used.uncached, promptTokensDetails: [{ modality: 'TEXT', tokenCount: used.uncached }] }
    },
  }
}

const worded = ({ path, kind, says }: Flaw): string =>
  kind === 'unknown'
    ? `Invalid JSON payload received. Unknown name "${path.split('.').at(-1)}" at '${path}': Cannot find field.`
    : `* ${path}: it ${says}`

function hear(json: unknown, model: string, stream: boolean, signed: ReadonlySet<string>): Heard {
  const body = checked<Body>(ofGemini, json, worded)
  const { contents, generationConfig: config = {}, toolConfig } = body
  const responses = contents.flatMap(({ parts }) => parts.flatMap(({ functionResponse }) => functionResponse ?? []))
  if (!isThree(model) && responses.some(({ parts }) => parts)) refuse('Function responses of this model have no parts.')
  if (config.thinkingConfig?.thinkingLevel && !isThree(model)) refuse('Thinking level is not supported for this model.')
  if (config.thinkingConfig?.thinkingLevel && config.thinkingConfig.thinkingBudget !== undefined)
    refuse('You can only set one of thinking budget and thinking level.')
  if ((config.responseSchema || config.responseJsonSchema) && config.responseMimeType !== 'application/json')
    refuse('responseSchema needs responseMimeType application/json')
  if (contents[0]?.role === 'model') refuse('Please ensure that the first turn is of the user.')
  answered(contents)
  const spoken = contents.findLastIndex(
    ({ role, parts }, index) =>
      role !== 'model' && parts.some((part) => !part.functionResponse) && !isShown(contents, index),
  )
  const last = contents[spoken]?.parts ?? []
  const since = contents.slice(spoken + 1)
  const declarations = (body.tools ?? []).flatMap(({ functionDeclarations = [] }) => functionDeclarations)
  if (isThree(model)) for (const { role, parts } of since) if (role === 'model') isSigned(parts, signed)
  const { mode, allowedFunctionNames: allowed } = toolConfig?.functionCallingConfig ?? {}
  if (allowed && mode !== 'ANY' && mode !== 'VALIDATED') refuse('Allowed function names needs mode ANY.')
  const schema = config.responseJsonSchema ?? config.responseSchema
  return {
    model,
    stream,
    instructions: textOf(body.systemInstruction?.parts ?? []),
    prompt: textOf(last),
    images: last.flatMap(pictureIn),
    tools: declarations.map(({ name, description, parameters, parametersJsonSchema }) => ({
      name,
      ...(description !== undefined && { description }),
      schema: parametersJsonSchema ?? parameters,
    })),
    ...(mode === 'ANY' && { forced: allowed?.[0] ?? declarations[0]?.name ?? '' }),
    results: resultsIn(since),
    shown: since
      .filter(({ role }) => role !== 'model')
      .flatMap(({ parts }) => parts)
      .flatMap((part) => [...pictureIn(part), ...(part.functionResponse?.parts ?? []).flatMap(pictureIn)]),
    ...(schema !== undefined && { schema }),
    thinks: config.thinkingConfig?.includeThoughts === true,
    seals: since.flatMap(({ parts }) => parts).filter(({ thoughtSignature }) => signed.has(thoughtSignature ?? ''))
      .length,
    ...(config.maxOutputTokens !== undefined && { limit: config.maxOutputTokens }),
    ...(config.temperature !== undefined && { temperature: config.temperature }),
    ...(config.stopSequences && { stops: config.stopSequences }),
  }
}

/** The turn after calls has as many results as there were calls, of the same names, and nothing else. */
function answered(contents: readonly Content[]): void {
  for (const [index, { role, parts }] of contents.entries()) {
    const calls = role === 'model' ? parts.flatMap(({ functionCall }) => functionCall ?? []) : []
    const results = (contents[index + 1]?.parts ?? []).flatMap(({ functionResponse }) => functionResponse ?? [])
    if (calls.length > 0 && calls.length !== results.length)
      refuse(
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      )
    if (calls.some(({ name }) => !results.some((result) => result.name === name)))
      refuse('Please ensure that every function response has the name of its function call.')
    if (calls.some(({ id }) => id !== undefined && !results.some((result) => result.id === id)))
      refuse('Please ensure that every function response has the id of its function call.')
    const answers = parts.some(({ functionResponse }) => functionResponse)
    const asked = contents[index - 1]?.parts.some(({ functionCall }) => functionCall)
    if (answers && !asked)
      refuse('Please ensure that function response turn comes immediately after a function call turn.')
    if (answers && parts.some(({ functionResponse }) => !functionResponse))
      refuse('A function response turn must not have other parts.')
    if (parts.some(({ functionCall }) => functionCall) && role !== 'model') refuse('Only the model calls functions.')
  }
}

/** The first call of each step has its own signature on it. */
function isSigned(parts: readonly Part[], signed: ReadonlySet<string>): void {
  const [first, ...others] = parts.filter(({ functionCall }) => functionCall)
  if (!first) return
  const { thoughtSignature } = first
  if (thoughtSignature === undefined)
    refuse(`Function call is missing a thought_signature in functionCall parts: ${first.functionCall?.name}.`)
  if (thoughtSignature !== noSignature && !signed.has(signatureKey(first))) refuse('Thought signature is not valid.')
  if (others.some((part) => part.thoughtSignature !== undefined)) refuse('Thought signature is not valid here.')
}

/** A signature together with the call that it was made for: it is worth nothing on any other. */
const signatureKey = ({ functionCall, thoughtSignature }: Part): string =>
  JSON.stringify([functionCall?.name, functionCall?.args ?? {}, thoughtSignature])

function resultsIn(since: readonly Content[]): Result[] {
  return since.flatMap(({ parts }, index) => {
    const results = (since[index + 1]?.parts ?? []).flatMap(({ functionResponse }) => functionResponse ?? [])
    return parts
      .flatMap(({ functionCall }) => functionCall ?? [])
      .map(({ id, name, args = {} }, place) => {
        // Without ids the order is all that tells two calls of one function apart.
        const result = id === undefined ? results[place] : results.find((candidate) => candidate.id === id)
        return {
          name,
          args,
          output: result?.name === name ? outputIn(result.response) : `the result of ${result?.name}`,
        }
      })
  })
}

/** Any object will do for Gemini; these are the names that its clients have for what a tool said. */
function outputIn(response: object): string {
  const { output, result, content } = response as Readonly<Record<string, unknown>>
  const said = output ?? result ?? content
  return typeof said === 'string' ? said : JSON.stringify(response)
}

const pictureIn = ({ inlineData }: Part): Heard['images'] =>
  inlineData ? [{ mediaType: inlineData.mimeType, data: inlineData.data }] : []

/** Before version 3 a result has no place for a picture: it comes in a turn behind the results. */
const isShown = (contents: readonly Content[], index: number): boolean =>
  contents[index - 1]?.parts.some(({ functionResponse }) => functionResponse) === true &&
  contents[index]?.parts.some(({ inlineData }) => inlineData) === true

const textOf = (parts: readonly Part[]): string => parts.map(({ text = '', thought }) => (thought ? '' : text)).join('')

function partsOf({ model }: Heard, { thoughts, text, calls = [] }: Reply, signed: Set<string>): Part[] {
  const parts: Part[] = []
  if (thoughts !== undefined) parts.push({ text: thoughts, thought: true })
  if (text !== undefined) parts.push({ text })
  for (const [index, { name, args }] of calls.entries()) {
    const id = letters(newId(), 8).toLowerCase()
    const functionCall = {
      name,
      ...(Object.keys(args).length > 0 && { args }),
      ...(isThree(model) && { id }),
    }
    const isSigned = isThree(model) && index === 0
    const call = { functionCall, ...(isSigned && { thoughtSignature: newSeal('gemini') }) }
    if (call.thoughtSignature) signed.add(signatureKey(call)).add(call.thoughtSignature)
    parts.push(call)
  }
  if (isThree(model) && calls.length === 0) {
    const thoughtSignature = newSeal('gemini')
    signed.add(thoughtSignature)
    parts.push({ text: '', thoughtSignature })
  }
  return parts
}

function response({ model }: Heard, { thoughts }: Reply, parts: readonly Part[], finishReason?: string): object {
  const promptTokenCount = used.uncached + used.cached
  const thoughtsTokenCount = thoughts === undefined ? 0 : used.thinking
  return {
    candidates: [{ content: { parts, role: 'model' }, ...(finishReason && { finishReason }), index: 0 }],
    usageMetadata: {
      promptTokenCount,
      candidatesTokenCount: used.said,
      totalTokenCount: promptTokenCount + used.said + thoughtsTokenCount,
      cachedContentTokenCount: used.cached,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: promptTokenCount }],
      ...(thoughtsTokenCount > 0 && { thoughtsTokenCount }),
    },
    modelVersion: model,
    responseId: newId(23),
  }
}

/** Lines end as Google ends them; nothing marks the end. */
const line = (data: unknown): string => `data: ${JSON.stringify(data)}\r\n\r\n`

function stream(heard: Heard, reply: Reply, parts: readonly Part[]): string[] {
  const responseId = newId(23)
  const said = parts.flatMap((part): Part[] =>
    part.text ? pieces(part.text).map((text) => ({ ...part, text })) : [part],
  )
  const isWhole = reply.stops === undefined
  const frames = said.map((part, index) =>
    line({ ...response(heard, reply, [part], isWhole && index === said.length - 1 ? 'STOP' : undefined), responseId }),
  )
  return reply.stops === 'breaks'
    ? [...frames, line(errorOf(500, 'INTERNAL', 'An internal error has occurred.'))]
    : frames
}

export const errorOf = (code: number, status: string, message: string, details?: readonly object[]): object => ({
  error: { code, message, status, ...(details && { details }) },
})

function refused({ kind, message }: Refusal): Refused {
  switch (kind) {
    case 'invalid':
      return { status: 400, body: errorOf(400, 'INVALID_ARGUMENT', message) }
    case 'key':
      return {
        status: 400,
        body: errorOf(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'API_KEY_INVALID',
            domain: 'googleapis.com',
            metadata: { service: 'generativelanguage.googleapis.com' },
          },
        ]),
      }
    case 'busy':
      return {
        status: 429,
        body: errorOf(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan.', [
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
        ]),
      }
    case 'overloaded':
      return { status: 503, body: errorOf(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.') }
    case 'too-long':
      return {
        status: 400,
        body: errorOf(
          400,
          'INVALID_ARGUMENT',
          'The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).',
        ),
      }
  }
}
