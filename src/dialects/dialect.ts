import type { AnswerFacts, AnswerWatch } from '../core/answer.ts'
import type { ChatAnswer, ChatEvent, ChatRequest } from '../core/chat.ts'
import type { GatewayError } from '../core/error.ts'
import type { ObjectScan } from '../core/json-scan.ts'
import type { Step } from '../core/steps.ts'
import type { Frame } from '../http/sse.ts'

/** A wire format: how a request, an answer, a stream and an error look in it. Pure: no clock, no network, no credential. */
export interface Dialect {
  readonly name: string
  /** Headers of the client that mean something to a provider of this dialect and go up as they are. */
  readonly requestHeaders: readonly string[]

  /**
   * What the gateway itself has to know of a request; throws what the client should mend. `onModel` hears the model's name
   * as soon as it is known, so that a refusal can name it too.
   */
  readRequest(body: Buffer, limits: RequestLimits, onModel: (model: string) => void): RequestFacts
  /** The client's own bytes with the documented edits and nothing else changed. */
  editRequest(body: Buffer, facts: RequestFacts, edits: RequestEdits): Buffer
  /** Watches the bytes of an answer on their way to the client. */
  watchAnswer(streaming: boolean): AnswerWatch
  /** Takes out again what `editRequest` had the provider put into a stream. */
  withoutAddedUsage(): Step<Buffer, Buffer>

  decodeRequest(body: unknown): ChatRequest
  decodeAnswer(body: unknown): ChatAnswer
  decodeStream(): Step<Frame, ChatEvent>
  /** What `watchAnswer` would say, from the whole of an answer. */
  readAnswer(body: Buffer, streaming: boolean): AnswerFacts

  encodeError(error: GatewayError): string
  /** An error that ends a stream which has begun; no client takes it for success. */
  encodeStreamError(error: GatewayError): string
  readError(status: number, body: Buffer): ProviderError
}

export interface RequestLimits {
  readonly jsonDepth: number
  readonly jsonValues: number
}

export interface RequestFacts {
  readonly model: string
  readonly stream: boolean
  /** Whether the client itself asked for usage in the stream. */
  readonly asksUsage: boolean
  readonly scan: ObjectScan
}

export interface RequestEdits {
  /** The provider's name for the model. */
  readonly model: string
  /** Ask for usage in the stream. */
  readonly addUsage: boolean
}

export interface ProviderError {
  readonly error: GatewayError
  /** True when the provider's bytes already are in the dialect's shape, so that the client gets them as they came. */
  readonly asItCame: boolean
}
