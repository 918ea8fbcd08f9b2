import type { AnswerFacts, AnswerWatch } from '../core/answer.ts'
import type { ChatAnswer, ChatEvent, ChatRequest, FinishReason, SettingName } from '../core/chat.ts'
import type { ErrorCode, GatewayError } from '../core/error.ts'
import type { ObjectScan } from '../core/json-scan.ts'
import type { Step } from '../core/steps.ts'
import type { Usage } from '../core/usage.ts'
import type { Frame, Framing } from '../http/frames.ts'

/** A wire format: how a request, an answer, a stream and an error look in it. Pure: no clock, no network, no credential. */
export interface Dialect {
  readonly name: string
  /** Headers of the client that mean something to a provider of this dialect and go up as they are. */
  readonly requestHeaders: readonly string[]
  readonly framing: Framing

  // What passes from a client to a provider who speak the same.

  /**
   * What the gateway itself has to know of a request; throws what the client should mend. `onModel` hears the model's name
   * as soon as it is known, so that a refusal can name it too.
   */
  readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts
  /** The client's own bytes with the documented edits and nothing else changed. */
  editRequest(body: Buffer, facts: RequestFacts, edits: RequestEdits): Buffer
  /** Takes out again what `editRequest` had the provider put into a stream. */
  withoutAddedUsage(): Step<Buffer, Buffer>
  /** Watches the bytes of an answer on their way to the client. */
  watchAnswer(streaming: boolean): AnswerWatch
  /** What `watchAnswer` would say, from the whole of an answer. */
  readAnswer(body: Buffer, streaming: boolean): AnswerFacts

  /**
   * Whether a request holds thoughts of another provider, which went to the client in a form that only we can read: then
   * it cannot pass as it is.
   */
  holdsForeign?(body: Buffer): boolean

  // What is translated. Bodies are parsed JSON here.

  /** Throws `bad_request` with the field's path for what cannot be understood; what is merely unknown is kept. */
  decodeRequest(body: unknown, asked: Asked): ChatRequest
  encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest
  /** Throws when what came is an error, or no answer. */
  decodeAnswer(body: unknown): ChatAnswer
  encodeAnswer(answer: ChatAnswer, context: AnswerContext): unknown
  /** Throws at a frame that is an error or cannot be read, and at the end when the answer was cut off. */
  decodeStream(): Step<Frame, ChatEvent>
  encodeStream(context: AnswerContext): Step<ChatEvent, Frame>

  encodeError(error: GatewayError): string
  /** The statuses by which its clients know an error, where they are not those of everybody else. */
  readonly errorStatus?: Readonly<Partial<Record<ErrorCode, number>>>
  /** An error that ends a stream which has begun; no client takes it for success. */
  encodeStreamError(error: GatewayError): string | Buffer
  /** The header in which its clients look for the provider's id of a request; `x-request-id` when absent. */
  readonly requestIdHeader?: string
  /** For dialects in which one can ask how many tokens a request has. */
  readonly counting?: Counting
  /** `headers` are the answer's, in lower case: AWS says only there what kind of error it is. */
  readError(status: number, body: Buffer, headers?: ErrorHeaders): ProviderError
}

/** How a dialect asks for the number of tokens of a request, and answers it. */
export interface Counting {
  decodeRequest(body: unknown, asked: Asked): ChatRequest
  encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest
  /**
   * The client's own bytes, for a provider who is asked in the same dialect, with the provider's name for the model where
   * the body says it. Absent in dialects that no client speaks.
   */
  editRequest?(body: Buffer, scan: ObjectScan, names: { readonly asked: string; readonly model: string }): Buffer
  /** Undefined when there is no count in it. */
  decodeAnswer(body: unknown): number | undefined
  encodeAnswer(tokens: number): unknown
}

export interface RequestContext {
  readonly jsonDepth: number
  readonly jsonValues: number
  /** What the address says, in dialects that have it there. */
  readonly asked?: Asked
}

/** The model and whether it is to stream, where the body does not say so. */
export interface Asked {
  readonly model: string
  readonly stream: boolean
}

export interface RequestFacts {
  readonly model: string
  readonly stream: boolean
  /** Whether the client itself asked for usage in the stream, or always gets it. */
  readonly asksUsage: boolean
  readonly scan: ObjectScan
}

export interface RequestEdits {
  /** The provider's name for the model. */
  readonly model: string
  /** Ask for usage in the stream. */
  readonly addUsage: boolean
}

export interface EncodedRequest {
  /** What to send, as JSON. */
  readonly body: Readonly<Record<string, unknown>>
  /**
   * What the target cannot take, each thing once: a setting by its name in `Settings` or as `ChatRequest` has it, a part
   * as `messages[2].image`, a field that only the client's dialect knows by that dialect's own name.
   */
  readonly dropped: readonly string[]
}

/**
 * What a target's model can take, where it differs from what its dialect can. Providers retire parameters model by model,
 * so this comes from a table and not from code. Absent is what most models of the dialect do.
 */
export interface Abilities {
  /** Settings that the model refuses, or refuses to be changed. */
  readonly refuses?: readonly SettingName[]
  /** How `maxTokens` is written in openai-chat; `max_completion_tokens` when absent. */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens'
  /** For dialects that demand a limit: the model's own, when the client names none. */
  readonly defaultMaxTokens?: number
  /** The role of instructions in openai-chat; as the client has it when absent. */
  readonly instructions?: 'system' | 'developer'
  /** How a wish to think is told: not at all, by effort, by a budget of tokens, or by effort with adaptive thinking. */
  readonly reasoning?: 'none' | 'effort' | 'budget' | 'adaptive'
  /** True when thoughts of earlier turns have to come back as `reasoning_content` (DeepSeek, Kimi, GLM with tools). */
  readonly wantsThoughts?: boolean
  /** The field in which a compatible host has thoughts, when it wants them back. */
  readonly thoughtsField?: 'reasoning_content' | 'reasoning' | 'reasoning_details'
  /** The field of openai-chat in which a compatible host is told how to think; `reasoning_effort` when absent. */
  readonly thinkingField?: 'thinking' | 'enable_thinking' | 'reasoning'
  /** False when thinking cannot be turned off. */
  readonly thinkingCanBeOff?: boolean
  /** How a schema for the answer is told: the dialect's own field, or a tool that has to be called, or not at all. */
  readonly schema?: 'native' | 'tool' | 'none'
  /** False when a schema has to be told in OpenAPI's subset, as older Gemini models want it. */
  readonly jsonSchema?: boolean
  /** False when there is no field for instructions, and they stand in the first turn of the user (Gemma). */
  readonly instructionsField?: boolean
  /** False when an assistant's turn at the end is refused. */
  readonly prefill?: boolean
  /** False when instructions in mid-conversation are refused. */
  readonly systemMidway?: boolean
  /** False when pictures and files have to come as data. */
  readonly urls?: boolean
  /** False when a result of a tool may only be text. */
  readonly mediaInResults?: boolean
  /** False when fields that the dialect does not know are refused; compatible hosts have fields of their own. */
  readonly unknownFields?: boolean
  /** The form of tool call ids, where the provider insists on one: nine letters and digits. */
  readonly callIds?: 'nine'
  /** How a seed is called in openai-chat; `seed` when absent. */
  readonly seedField?: 'seed' | 'random_seed'
  /** The word for "some tool has to be called" in openai-chat, `required` when absent. */
  readonly requiredWord?: string
  /** Gemini 3 and later: levels in place of budgets, and signatures that have to come back. */
  readonly thinkingLevels?: boolean
  /** Whose sealed thoughts it takes back, such as `anthropic` for Claude on Bedrock; the dialect's own when absent. */
  readonly seals?: string
  /** For bodies that name their version inside, as Claude on Bedrock and Vertex does. */
  readonly bodyVersion?: string
}

/** What an answer in a client's dialect says of itself besides what the provider said. */
export interface AnswerContext {
  /** The request as it was understood, for dialects that repeat it. */
  readonly request: ChatRequest
  /** When the answer began, in seconds since the epoch, for a provider that does not say. */
  readonly createdS: number
  /** An id for whatever the provider left unnamed: letters and digits, never the same twice. */
  readonly newId: () => string
  /** An id for the whole answer in place of one made from the provider's. */
  readonly answerId?: string
}

/** What one frame of a stream says that is needed at once. */
export interface FrameFacts {
  readonly model?: string | undefined
  readonly finishReason?: FinishReason | undefined
  /** What a later frame names stands before what an earlier one said, bucket by bucket. */
  readonly usage?: Usage | undefined
  readonly usageReported?: unknown
  readonly error?: GatewayError | undefined
  /** True for what a reader would call content, false for roles, pings and empty texts. */
  readonly hasContent?: boolean
  /** True for the mark that ends a stream. */
  readonly isDone?: boolean
}

export type ErrorHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export interface ProviderError {
  readonly error: GatewayError
  /** True when the provider's bytes already are in the dialect's shape, so that the client gets them as they came. */
  readonly asItCame: boolean
}
