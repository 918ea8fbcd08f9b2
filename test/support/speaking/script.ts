/** The wire formats that the speaking upstream knows, by the names of the dialects that translate them. */
export type Wire =
  | 'openai-chat'
  | 'openai-responses'
  | 'anthropic-messages'
  | 'gemini'
  | 'bedrock-converse'
  | 'bedrock-invoke'
  | 'vertex-anthropic'

/** What a request says, in nobody's words: what is left of it when its wire format is taken away. */
export interface Heard {
  readonly model: string
  readonly stream: boolean
  readonly instructions: string
  /** What the user said last. */
  readonly prompt: string
  /** Of what the user said last. */
  readonly images: readonly Picture[]
  readonly tools: readonly HeardTool[]
  /** The only tool that may be called, if one has to be. */
  readonly forced?: string
  /** The calls that were answered since the user spoke, in the order in which they were made. */
  readonly results: readonly Result[]
  /** Pictures that came with these results, in whatever place the format has for them. */
  readonly shown: readonly Picture[]
  readonly schema?: unknown
  readonly thinks: boolean
  /** How many seals of this turn's thoughts have come back, each as it was given. */
  readonly seals: number
  /** Whether a stream was asked for its usage, where it does not tell by itself. */
  readonly asksUsage?: boolean
  readonly limit?: number
  readonly temperature?: number
  readonly stops?: readonly string[]
}

export interface Picture {
  readonly mediaType: string
  readonly data: string
}

export interface HeardTool {
  readonly name: string
  readonly description?: string
  readonly schema: unknown
}

export interface Result {
  readonly name: string
  readonly args: unknown
  readonly output: string
}

export interface Call {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

export interface Reply {
  readonly thoughts?: string
  readonly text?: string
  readonly calls?: readonly Call[]
  /** Where a stream stops: it says no more, or ends with its vendor's word for a fault. */
  readonly stops?: 'hangs' | 'breaks'
}

/** Why a vendor refuses: each has its own status, its own words and headers for it. */
export const refusals = ['invalid', 'key', 'busy', 'overloaded', 'too-long'] as const
export type RefusalKind = (typeof refusals)[number]

export class Refusal extends Error {
  readonly kind: RefusalKind
  /** The field at fault. */
  readonly param: string | undefined

  constructor(kind: RefusalKind, message: string, param?: string) {
    super(message)
    this.kind = kind
    this.param = param
  }
}

/** What every reply has used. Thoughts cost `thinking` besides. */
export const used = { uncached: 11, cached: 4, said: 7, thinking: 3 } as const

/** A red dot, as small as a PNG can be. */
export const redDot: Picture = {
  mediaType: 'image/png',
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
}

/** What a client has to say to hear what. */
export const prompts = {
  hello: 'Say hello.',
  weather: 'How warm is it in Paris and in Rome, and how late is it?',
  person: 'Who wrote the books about Oz?',
  picture: 'What is in the picture?',
  forecast: 'How warm will it be in Oslo?',
  photo: 'Show me Oslo.',
  thanks: 'Thank you.',
  hang: 'Never stop.',
  break: 'Break off.',
  fail: (kind: RefusalKind): string => `Fail: ${kind}.`,
} as const

export const sayings = {
  hello: 'Hello, wörld! 🦜 "Quoted",\n\tindented, and \\ done.',
  looking: 'I will look.',
  person: { name: 'L. Frank Baum', age: 62 },
  picture: 'A red dot.',
  forecast: 'The user wants to know about Oslo, so I ask the tool.',
  answered: 'The tool has said it.',
  thanks: 'You are welcome.',
  begun: 'It begins',
} as const

/** The text that follows the results of `weather`, as anybody gets it who answered each call with its own result. */
export const reported = (results: readonly Result[]): string =>
  results
    .map(({ name, args, output }) => `${name}(${Object.values((args ?? {}) as object).join()}) = ${output}`)
    .join('; ')

export function replyTo(heard: Heard): Reply {
  if (heard.results.length > 0) {
    return { ...(heard.thinks && { thoughts: sayings.answered }), text: reported(heard.results) }
  }
  switch (heard.prompt) {
    case prompts.hello:
      return { text: sayings.hello }
    case prompts.weather:
      return {
        text: sayings.looking,
        calls: [
          { name: 'get_weather', args: { city: 'Paris' } },
          { name: 'get_weather', args: { city: 'Rome' } },
          { name: 'get_time', args: {} },
        ],
      }
    case prompts.person:
      if (heard.forced) return { calls: [{ name: heard.forced, args: sayings.person }] }
      if (heard.schema === undefined) throw new Refusal('invalid', 'Nobody asked for a format.')
      return { text: JSON.stringify(sayings.person) }
    case prompts.picture:
      if (heard.images.length !== 1) throw new Refusal('invalid', `There are ${heard.images.length} pictures.`)
      return { text: heard.images[0]?.data === redDot.data ? sayings.picture : 'Something else.' }
    case prompts.forecast:
      if (!heard.thinks) throw new Refusal('invalid', 'Nobody asked for thoughts.')
      return { thoughts: sayings.forecast, calls: [{ name: 'get_weather', args: { city: 'Oslo' } }] }
    case prompts.photo:
      return { calls: [{ name: 'get_weather', args: { city: 'Oslo' } }] }
    case prompts.thanks:
      return { ...(heard.thinks && { thoughts: sayings.answered }), text: sayings.thanks }
    case prompts.hang:
      return { text: sayings.begun, stops: 'hangs' }
    case prompts.break:
      return { text: sayings.begun, stops: 'breaks' }
  }
  const kind = refusals.find((kind) => heard.prompt === prompts.fail(kind))
  throw kind
    ? new Refusal(kind, 'You wanted it so.')
    : new Refusal('invalid', `The script has no answer to ${JSON.stringify(heard.prompt)}.`)
}
