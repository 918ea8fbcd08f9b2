import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Every wire format that has recordings, and how the path of its requests ends. */
export const apis = {
  'openai.chat': /\/chat\/completions$/,
  'openai.responses': /\/responses$/,
  'openai.responses.count': /\/responses\/input_tokens$/,
  'openai.embeddings': /\/embeddings$/,
  'openai.images': /\/images\/generations$/,
  'anthropic.messages': /\/messages$/,
  'anthropic.count_tokens': /\/messages\/count_tokens$/,
  'vertex.anthropic': /:(rawPredict|streamRawPredict)$/,
  'vertex.embeddings': /:predict$/,
  'gemini.generateContent': /:generateContent$/,
  'gemini.streamGenerateContent': /:streamGenerateContent$/,
  'gemini.countTokens': /:countTokens$/,
  'gemini.embedContent': /:embedContent$/,
  'gemini.batchEmbedContents': /:batchEmbedContents$/,
  'gemini.cachedContents': /\/cachedContents$/,
  'bedrock.converse': /\/converse$/,
  'bedrock.converse-stream': /\/converse-stream$/,
  'bedrock.invoke': /\/invoke$/,
  'bedrock.invoke-stream': /\/invoke-with-response-stream$/,
  'bedrock.count-tokens': /\/count-tokens$/,
  'ollama.chat': /\/api\/chat$/,
  models: /\/models$/,
} satisfies Record<string, RegExp>

export type Api = keyof typeof apis

export const providers = [
  'alibaba',
  'anthropic',
  'avian',
  'azure',
  'bedrock',
  'bedrock-mantle',
  'cerebras',
  'crusoe',
  'deepseek',
  'gemini',
  'gpustack',
  'groq',
  'huggingface',
  'llamacpp',
  'mistral',
  'moonshot',
  'ollama',
  'openai',
  'openrouter',
  'perplexity',
  'snowflake',
  'together',
  'vercel-gateway',
  'vertex',
  'xai',
  'zai',
] as const

export type Provider = (typeof providers)[number]

/** How far to trust an exchange: the recordings' README says what each word means. */
export type Evidence = 'recorded' | 'response-only' | 'curated' | 'constructed'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

export interface IndexRow {
  readonly id: string
  readonly provider: Provider
  readonly api: Api
  readonly model: string | null
  readonly evidence: Evidence
  readonly streaming: boolean
  readonly scenario: string
  readonly features: readonly string[]
  readonly status: number
  /** The session's id; here it is a string, in the exchange itself an object. */
  readonly session: string
  readonly position: number
  readonly count: number
  readonly file: string
  readonly sha256: string
}

export interface Exchange {
  readonly format: 1
  readonly id: string
  readonly evidence: Evidence
  readonly provider: Provider
  readonly api: Api
  readonly model: string | null
  readonly streaming: boolean
  readonly features: readonly string[]
  readonly scenario: string
  readonly session: Session
  readonly source: Source
  readonly request: RecordedRequest
  readonly response: RecordedResponse
}

export interface Session {
  readonly id: string
  readonly index: number
  readonly position: number
  readonly count: number
}

/** Where an exchange comes from; a constructed one has a note instead of a repository. */
export type Source =
  | {
      readonly repo: string
      readonly commit: string
      readonly file: string
      readonly index: number
      readonly licence: string
    }
  | { readonly repo: null; readonly licence: null; readonly note: string }

export interface RecordedRequest {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** Null for a GET, and where nobody kept the request. */
  readonly body: { readonly [key: string]: Json } | null
}

interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

export type Framing = 'recorded' | 'reconstructed' | 'constructed'

export interface JsonResponse extends Head {
  readonly body: Json
}

export interface TextResponse extends Head {
  readonly text: string
}

/** One chunk is one SSE event with its blank line, or one line of NDJSON. */
export interface TextStream extends Head {
  readonly encoding: 'utf8'
  readonly chunks: readonly string[]
  readonly framing: Framing
}

/** One chunk is one AWS event-stream frame; `events` holds each frame decoded. */
export interface FrameStream extends Head {
  readonly encoding: 'base64'
  readonly chunks: readonly string[]
  readonly framing: Framing
  readonly events: readonly FrameEvent[]
}

export interface FrameEvent {
  readonly headers: Readonly<Record<string, string>>
  readonly payload: { readonly [key: string]: Json }
}

export type RecordedResponse = JsonResponse | TextResponse | TextStream | FrameStream

const projectRoot = resolve(import.meta.dirname, '../..')
const configured = process.env.TRUNKLINE_RECORDINGS
const folder = resolve(projectRoot, configured || '../shared/recordings')

/** The folder of the recordings, or undefined where they are missing: tests that need them then skip, visibly. */
export function recordingsFolder(): string | undefined {
  return existsSync(resolve(folder, 'INDEX.json')) ? folder : undefined
}

/** The reason to print beside a skipped test. */
export const noRecordings = `there are no recordings in ${folder} (set TRUNKLINE_RECORDINGS to their folder)`

let rows: readonly IndexRow[] | undefined

/** Every row of INDEX.json, in its order. */
export function index(): readonly IndexRow[] {
  rows ??= JSON.parse(read('INDEX.json')) as readonly IndexRow[]
  return rows
}

let files: ReadonlyMap<string, string> | undefined
const exchanges = new Map<string, Exchange>()

/** One exchange, read when it is first asked for and kept: whoever changes it changes it for everyone. */
export function load(id: string): Exchange {
  const known = exchanges.get(id)
  if (known) return known
  files ??= new Map(index().map((row) => [row.id, row.file]))
  const file = files.get(id)
  if (file === undefined) throw new Error(`There is no recording ${id} in ${folder}.`)
  const exchange = JSON.parse(read(file)) as Exchange
  exchanges.set(id, exchange)
  return exchange
}

/** The answer's body as a provider sends it. A JSON body was parsed once, so it is equal as JSON and not to the byte. */
export function responseBytes(exchange: Exchange): Buffer {
  return Buffer.concat(responseChunks(exchange))
}

/** The same bytes in the pieces that were recorded: one event or frame each, or the whole body. */
export function responseChunks({ response }: Exchange): readonly Buffer[] {
  if ('chunks' in response) return response.chunks.map((chunk) => Buffer.from(chunk, response.encoding))
  return [Buffer.from('text' in response ? response.text : JSON.stringify(response.body))]
}

function read(file: string): string {
  return readFileSync(resolve(folder, file), 'utf8')
}
