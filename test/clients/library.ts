import type { Picture, RefusalKind, Wire } from '../support/speaking/script.ts'

/** A client library as a program uses it: which door it needs, and how one has a conversation with it. */
export interface Library {
  readonly name: string
  readonly speaks: Wire
  /** How it calls the end of an answer, and one that asks for tools. */
  readonly finishes: { readonly said: string; readonly called: string }
  open(at: Address): Conversation
  /** What a program sees of an error. */
  seen(error: unknown): SeenError
  /** The class of its error for a status, and for a prompt that is too long where that has its own. */
  errorFor(status: number, kind: RefusalKind): string
  /** What it throws when it is told to stop. */
  readonly abortErrors: readonly string[]
  /** What it does not let a program do, with the reason. */
  readonly cannot?: Partial<Record<Ability, string>>
}

/** What some libraries do not do at all. */
export type Ability =
  | 'stops'
  | 'temperature'
  | 'thoughts'
  | 'usage, streamed'
  | 'errors in mid-stream'
  | 'headers'
  | 'pictures in results'

export interface Address {
  /** The root of the door: each library adds what its own vendor has below it. */
  readonly url: string
  readonly model: string
  readonly key: string
}

/** Keeps what was said as the library's users do: by handing its own answers back to it. */
export interface Conversation {
  say(turn: Turn): Promise<Said>
}

export interface Turn {
  readonly stream: boolean
  /** What the user says, unless it is the turn of the tools. */
  readonly prompt?: string
  readonly picture?: Picture
  readonly results?: readonly ToolOutput[]
  readonly withTools?: boolean
  readonly withSchema?: boolean
  readonly thinks?: boolean
  /** Whether to send `sampling`. */
  readonly sampled?: boolean
  readonly signal?: AbortSignal
  /** Called at each piece of a streamed text. */
  readonly onText?: (piece: string) => void
}

export interface ToolOutput {
  readonly id: string
  readonly name: string
  readonly output: string
  readonly picture?: Picture
}

export interface Said {
  readonly text: string
  readonly thoughts: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly args: unknown }[]
  readonly finish: string | undefined
  /** Sums: what was read, all in all, and what was written, thoughts included. */
  readonly usage: { readonly input: number | undefined; readonly output: number | undefined } | undefined
}

export interface SeenError {
  readonly name: string
  readonly status: number | undefined
  readonly message: string
  readonly retryAfter: string | undefined
}

export const instructions = 'You are a parrot.'
export const limit = 3000
export const sampling = { temperature: 0.5, stop: 'ENOUGH' } as const
/** In tokens, for libraries that ask for a budget of thoughts. */
export const thoughtBudget = 2048

export const tools = [
  {
    name: 'get_weather',
    description: 'The temperature in a city.',
    schema: {
      type: 'object',
      properties: { city: { type: 'string', description: 'Its name.' } },
      required: ['city'],
      additionalProperties: false,
    },
  },
  {
    name: 'get_time',
    description: 'The time of day.',
    schema: { type: 'object', properties: {}, required: [] as string[], additionalProperties: false },
  },
] as const

export const personSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
} as const

/** What a program has the tools say. */
export function run(name: string, args: unknown): string {
  const degrees: Readonly<Record<string, number>> = { Paris: 21, Rome: 24, Oslo: 3 }
  return name === 'get_time' ? '12:00' : `${degrees[(args as { city: string }).city]} °C`
}

export const dataUrl = ({ mediaType, data }: Picture): string => `data:${mediaType};base64,${data}`

/** What an error of any library has in common: its class, or its name where that says more. */
export function seenAs(error: unknown): SeenError {
  const { name, status, statusCode, message, headers, responseHeaders } = error as Error & WithStatus
  const ofClass = (error as Error).constructor.name
  return {
    name: /^(Error|DOMException)$/.test(ofClass) ? name : ofClass,
    status: status ?? statusCode,
    message,
    retryAfter: headers?.get('retry-after') ?? responseHeaders?.['retry-after'],
  }
}

interface WithStatus {
  readonly status?: number
  readonly statusCode?: number
  readonly headers?: Headers
  readonly responseHeaders?: Readonly<Record<string, string>>
}

/** The classes that OpenAI's and Anthropic's SDKs have in common, since one generator makes both. */
export const errorClass = (status: number): string =>
  ({ 400: 'BadRequestError', 401: 'AuthenticationError', 403: 'PermissionDeniedError', 429: 'RateLimitError' })[
    status
  ] ?? 'InternalServerError'
