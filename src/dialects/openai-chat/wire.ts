import type { WireUsage } from './usage.ts'

/** Chat completions on the wire, with what compatible hosts add or leave out: every field may be missing. */
export interface WireRequest {
  model?: unknown
  stream?: unknown
  messages?: WireMessage[]
  tools?: WireTool[]
  functions?: WireFunction[]
}

export interface WireMessage {
  role?: string
  name?: string
  content?: string | WirePart[] | null
  refusal?: string | null
  reasoning_content?: string | null
  reasoning?: string | null
  tool_calls?: WireToolCall[] | null
  /** The form before tools. */
  function_call?: { name?: string; arguments?: string } | null
  tool_call_id?: string
}

export interface WirePart {
  type?: string
  text?: string
  refusal?: string
  image_url?: string | { url?: string; detail?: string }
  input_audio?: { data?: string; format?: string }
  file?: { file_data?: string; file_id?: string; filename?: string }
  /** Mistral's reasoning models. */
  thinking?: { type?: string; text?: string }[] | string
}

export interface WireToolCall {
  index?: number
  id?: string | null
  type?: string | null
  function?: { name?: string | null; arguments?: string | null }
  custom?: { name?: string; input?: string }
}

export interface WireFunction {
  name?: string
  description?: string
  parameters?: unknown
}

export interface WireTool {
  type?: string
  function?: WireFunction
  custom?: { name?: string; description?: string }
}

export interface WireChoice {
  index?: number
  message?: WireMessage
  delta?: WireMessage
  finish_reason?: string | null
  /** Old Kimi models. */
  usage?: WireUsage | null
}

/** A whole answer, or a chunk of a streamed one. */
export interface WireAnswer {
  id?: string
  model?: string
  choices?: WireChoice[] | null
  usage?: WireUsage | null
  /** Groq, in the last chunk. */
  x_groq?: { usage?: WireUsage | null } | null
  error?: unknown
}

export const usageIn = (answer: WireAnswer): WireUsage | undefined =>
  answer.usage ?? usageOfChoice(answer.choices) ?? answer.x_groq?.usage ?? undefined

/** Hosts have been known to write anything for a list, and anything into it. */
const usageOfChoice = (choices: readonly (WireChoice | null)[] | null | undefined): WireUsage | null | undefined =>
  Array.isArray(choices) ? choices.find((choice) => choice?.usage)?.usage : undefined
