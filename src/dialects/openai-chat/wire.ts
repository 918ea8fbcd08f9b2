import type { Fields } from '../values.ts'
import type { WireUsage } from './usage.ts'

/** What is read of an answer on the wire, with what compatible hosts add: any field may be missing, or something else. */
export interface WireMessage extends Fields {
  readonly content?: string | readonly unknown[] | null
  readonly refusal?: unknown
  readonly reasoning_content?: unknown
  readonly reasoning?: unknown
  readonly reasoning_details?: unknown
  readonly tool_calls?: readonly unknown[] | null
  /** The form before tools. */
  readonly function_call?: unknown
  readonly annotations?: unknown
  readonly citations?: unknown
  readonly images?: unknown
  readonly audio?: unknown
  /** Groq. */
  readonly executed_tools?: unknown
}

export interface WireToolCall extends Fields {
  readonly index?: unknown
  readonly id?: unknown
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown } | null
  readonly custom?: { readonly name?: unknown; readonly input?: unknown } | null
  /** Gemini, at its own address. */
  readonly extra_content?: unknown
}

export interface WireChoice extends Fields {
  readonly index?: unknown
  readonly message?: WireMessage | null
  readonly delta?: WireMessage | null
  readonly finish_reason?: string | null
  readonly logprobs?: unknown
  /** Old Kimi models. */
  readonly usage?: WireUsage | null
  /** OpenRouter. */
  readonly error?: unknown
}

/** A whole answer, or a chunk of a streamed one. */
export interface WireAnswer extends Fields {
  readonly id?: unknown
  readonly model?: string
  readonly created?: unknown
  readonly service_tier?: unknown
  readonly choices?: readonly WireChoice[] | null
  readonly usage?: WireUsage | null
  /** Groq, in the last chunk. */
  readonly x_groq?: { readonly usage?: WireUsage | null } | null
  readonly error?: unknown
}

export const usageIn = (answer: WireAnswer): WireUsage | undefined =>
  answer.usage ?? usageOfChoice(answer.choices) ?? answer.x_groq?.usage ?? undefined

/** Hosts have been known to write anything for a list, and anything into it. */
const usageOfChoice = (choices: readonly (WireChoice | null)[] | null | undefined): WireUsage | null | undefined =>
  Array.isArray(choices) ? choices.find((choice) => choice?.usage)?.usage : undefined
