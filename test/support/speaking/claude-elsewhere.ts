import type { IncomingHttpHeaders } from 'node:http'
import { anthropicMessages } from './anthropic-messages.ts'
import { frame, refused as refusedByAws } from './bedrock-converse.ts'
import { errorOf } from './gemini.ts'
import type { Heard, Refusal, Reply } from './script.ts'
import { type Address, bearerOf, newId, type Refused, refuse, type Voice } from './voice.ts'

type Body = Readonly<Record<string, unknown>>

/** Claude on the clouds: Anthropic's words, with the model in the address and the version in the body. */
interface Cloud {
  readonly version: string
  /** Whether the body says once more that it is to be a stream. */
  readonly saysStream: boolean
}

function heardBy(claude: Voice, { version, saysStream }: Cloud, json: unknown, address: Address): Heard {
  const { anthropic_version, anthropic_beta: _, stream, ...body } = json as Body
  if (anthropic_version !== version) refuse('anthropic_version: Field required')
  if ('model' in body) refuse('model: Extra inputs are not permitted')
  if (stream !== (saysStream && address.stream ? true : undefined)) refuse(`stream: ${stream} is not permitted`)
  const headers: IncomingHttpHeaders = { 'anthropic-version': '2023-06-01' }
  return claude.hear({ ...body, model: address.model, stream: address.stream }, {}, headers)
}

/** Claude on Bedrock, by InvokeModel. Its events come in AWS's frames. */
export function bedrockInvoke(): Voice {
  const claude = anthropicMessages()
  return {
    wire: 'bedrock-invoke',
    streamType: 'application/vnd.amazon.eventstream',
    address(path) {
      const [, model, verb] = /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream)$/.exec(path) ?? []
      return model ? { model: decodeURIComponent(model), stream: verb !== 'invoke' } : undefined
    },
    keyOf: bearerOf,
    hear: (body, address) => heardBy(claude, { version: 'bedrock-2023-05-31', saysStream: false }, body, address),
    whole: claude.whole,
    stream(heard: Heard, reply: Reply) {
      const { stops, ...rest } = reply
      const frames = claude.stream(heard, stops ? { ...rest, stops: 'hangs' } : rest).map(framed)
      const message = 'The system encountered an unexpected error during processing. Try your request again.'
      const fault = frame({ ':message-type': 'exception', ':exception-type': 'modelStreamErrorException' }, { message })
      return stops === 'breaks' ? [...frames, fault] : frames
    },
    refuse: refusedByAws,
  }
}

function framed(event: string | Buffer): Buffer {
  const json = /^data: (.*)$/m.exec(String(event))?.[1] ?? ''
  const bytes = Buffer.from(json).toString('base64')
  return frame({ ':event-type': 'chunk', ':message-type': 'event' }, { bytes, p: 'abcdefgh' })
}

/** Claude on Vertex. What is wrong with the key is told by Google, and what with the request by Anthropic. */
export function vertexClaude(): Voice {
  const claude = anthropicMessages()
  const place =
    /^\/v1\/projects\/[^/]+\/locations\/[^/]+\/publishers\/anthropic\/models\/([^/]+):(rawPredict|streamRawPredict)$/
  return {
    ...claude,
    wire: 'vertex-anthropic',
    address(path) {
      const [, model, verb] = place.exec(path) ?? []
      return model ? { model: decodeURIComponent(model), stream: verb === 'streamRawPredict' } : undefined
    },
    keyOf: ({ 'x-goog-api-key': key }) => (typeof key === 'string' ? key : undefined),
    hear: (body, address) => heardBy(claude, { version: 'vertex-2023-10-16', saysStream: true }, body, address),
    refuse: (refusal) => refusedByGoogle(refusal) ?? claude.refuse(refusal),
  }
}

function refusedByGoogle({ kind }: Refusal): Refused | undefined {
  const headers = { 'x-vertex-request': newId() }
  if (kind === 'key')
    return {
      status: 401,
      headers,
      body: errorOf(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'),
    }
  if (kind === 'busy')
    // Google's gateway makes a list of it.
    return { status: 429, headers, body: [errorOf(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for the base model.')] }
  return undefined
}
