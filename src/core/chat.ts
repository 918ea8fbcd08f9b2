import type { Usage } from './usage.ts'

/** The inner chat: what every dialect is decoded to and encoded from. It is nobody's wire format. */
export interface ChatRequest {
  readonly model: string
  readonly stream: boolean
  /** In the order in which they were said; instructions that a dialect has beside its messages come first. */
  readonly messages: readonly Message[]
  readonly tools: readonly Tool[]
  readonly toolChoice?: ToolChoice
  /** False when at most one tool may be called in a turn. */
  readonly parallelToolCalls?: boolean
  readonly settings: Settings
  readonly format?: Format
  readonly reasoning?: ReasoningWish
  readonly extra?: Extra
}

/** What only one dialect knows, kept so that it gets it back. For every other dialect it is a loss, and named as one. */
export interface Extra {
  readonly dialect: string
  readonly fields: Readonly<Record<string, unknown>>
  /** What nobody misses: ids, states and defaults that go back to their own dialect and are no loss for others. */
  readonly echo?: Readonly<Record<string, unknown>>
}

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool'

/** Results of tools stand in messages of their own, of the role `tool`, with one or more results each. */
export interface Message {
  readonly role: Role
  readonly name?: string
  readonly parts: readonly Part[]
  readonly extra?: Extra
}

/** A place up to which a provider may keep what it has read. */
export interface CacheMark {
  readonly ttl?: '5m' | '1h'
}

interface PartCommon {
  readonly cache?: CacheMark
  readonly extra?: Extra
}

/**
 * Bytes that prove to a provider that the thoughts are its own, or hold them encrypted. They have to go back unchanged,
 * and only to whom they belong: `by` is `anthropic` (also on Bedrock and Vertex), `gemini`, `openai`, or a host's name.
 */
export interface Seal {
  readonly by: string
  readonly value: string
}

export type Part =
  | TextPart
  | RefusalPart
  | ReasoningPart
  | ImagePart
  | AudioPart
  | VideoPart
  | DocumentPart
  | ToolCall
  | ToolResult
  | ServerTool
  | OpaquePart

export interface TextPart extends PartCommon {
  readonly kind: 'text'
  readonly text: string
  readonly citations?: readonly Citation[]
  readonly seal?: Seal
}

export interface RefusalPart extends PartCommon {
  readonly kind: 'refusal'
  readonly text: string
}

/** Thoughts, in clear as far as the provider shows them. Parts with the same `id` are one item of the provider. */
export interface ReasoningPart extends PartCommon {
  readonly kind: 'reasoning'
  readonly text: string
  /** `summary` when the provider tells them in other words, `text` when it shows them as they are; absent if unknown. */
  readonly form?: 'summary' | 'text'
  readonly id?: string
  readonly seal?: Seal
  /** True when there is nothing but the seal: the provider hides the thoughts themselves. */
  readonly redacted?: true
}

export interface ImagePart extends PartCommon {
  readonly kind: 'image'
  readonly source: Media
  readonly detail?: string
}

export interface AudioPart extends PartCommon {
  readonly kind: 'audio'
  readonly source: Media
  /** What was said, where an answer tells it beside the sound. */
  readonly transcript?: string
}

export interface VideoPart extends PartCommon {
  readonly kind: 'video'
  readonly source: Media
}

export interface DocumentPart extends PartCommon {
  readonly kind: 'document'
  readonly source:
    | Media
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'parts'; readonly parts: readonly Part[] }
  /** What it is called: a file's name or a title. */
  readonly title?: string
  /** What the model is told about it without being able to cite it. */
  readonly context?: string
  /** True when the model is asked to cite it. */
  readonly cited?: boolean
}

export type Media =
  /** `data` is base64 in its plain alphabet, without line breaks. */
  | { readonly kind: 'data'; readonly mediaType: string; readonly data: string }
  | { readonly kind: 'url'; readonly url: string; readonly mediaType?: string }
  /** A file that its provider keeps, known to nobody else. */
  | { readonly kind: 'file'; readonly dialect: string; readonly id: string }

export interface ToolCall extends PartCommon {
  readonly kind: 'tool-call'
  /** Empty where the provider gives none. */
  readonly id: string
  readonly name: string
  /** The bytes that the model wrote, which need not be JSON; empty for a call without arguments. */
  readonly arguments: string
  /** True for a tool that takes free text in place of JSON. */
  readonly custom?: true
  readonly seal?: Seal
}

export interface ToolResult extends PartCommon {
  readonly kind: 'tool-result'
  readonly callId: string
  /** The tool's name, where the dialect says it. */
  readonly name?: string
  readonly parts: readonly Part[]
  readonly isError?: boolean
  readonly custom?: true
}

/** A tool that the provider itself ran: its call, or what came of it. A client is never asked to run it. */
export interface ServerTool extends PartCommon {
  readonly kind: 'server-tool'
  readonly phase: 'call' | 'result'
  /** `web_search`, `code_execution`, `web_fetch` where it is one of these, else the provider's own name. */
  readonly name: string
  readonly id?: string
  readonly dialect: string
  /** As its own dialect wrote it. */
  readonly value: unknown
  readonly seal?: Seal
}

/** What only one dialect knows: it goes back to that dialect unchanged. */
export interface OpaquePart extends PartCommon {
  readonly kind: 'opaque'
  readonly dialect: string
  readonly value: unknown
}

/** Where a text comes from. Places count UTF-16 units in the text part that carries the citation. */
export interface Citation {
  readonly url?: string
  readonly title?: string
  /** The words of the source. */
  readonly quote?: string
  readonly start?: number
  readonly end?: number
  /** Which of the request's documents it is, counted from 0. */
  readonly document?: number
  readonly fileId?: string
  /** As its own dialect wrote it. */
  readonly dialect: string
  readonly value: unknown
}

export type Tool = FunctionTool | CustomTool | ServedTool

export interface FunctionTool {
  readonly kind: 'function'
  readonly name: string
  readonly description?: string
  /** The JSON Schema of the arguments, as it came. */
  readonly schema?: unknown
  readonly strict?: boolean
  readonly cache?: CacheMark
  readonly extra?: Extra
}

/** A tool that takes free text, perhaps in a grammar. */
export interface CustomTool {
  readonly kind: 'custom'
  readonly name: string
  readonly description?: string
  readonly format?: unknown
  readonly extra?: Extra
}

/** A tool that the provider runs. */
export interface ServedTool {
  readonly kind: 'server'
  /** `web_search`, `code_execution`, `web_fetch` where it is one of these, else the provider's own name. */
  readonly name: string
  readonly dialect: string
  /** As its own dialect wrote it. */
  readonly value: unknown
  readonly cache?: CacheMark
}

export interface ToolChoice {
  readonly mode: 'none' | 'auto' | 'required'
  /** The tools among which the model may choose; all of them when absent. */
  readonly names?: readonly string[]
  /** True when `names` was a list to choose from, though it may have one name only. */
  readonly isList?: true
}

/** What a client may set; absent is the provider's default. */
export interface Settings {
  readonly maxTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  readonly seed?: number
  readonly stop?: readonly string[]
  /** How many answers are wanted. */
  readonly choices?: number
  /** How many alternatives to each token are told with its probability; 0 for none beside the token itself. */
  readonly logprobs?: number
  readonly logitBias?: Readonly<Record<string, number>>
  readonly verbosity?: string
  /** What answers may be made of: `text`, `audio`, `image`, in lower case. */
  readonly modalities?: readonly string[]
  readonly audio?: { readonly voice?: unknown; readonly format?: string }
  /** Who the provider is told to hold responsible. */
  readonly user?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** In OpenAI's words: `auto`, `default`, `flex`, `priority`, … */
  readonly serviceTier?: string
  readonly store?: boolean
  readonly cacheKey?: string
  /** Whether a streaming client asked for usage; absent in dialects that always tell it. */
  readonly includeUsage?: boolean
}

export type SettingName = keyof Settings

export type Format =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | {
      readonly kind: 'schema'
      readonly name?: string
      readonly description?: string
      readonly schema: unknown
      readonly strict?: boolean
    }

export const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

/** How much the model is to think, in whichever words the client knows. */
export interface ReasoningWish {
  /** One of `efforts`, or a word that only some provider knows. */
  readonly effort?: string
  /** In tokens; 0 is off, -1 as the model likes. */
  readonly budget?: number
  /** `adaptive` when the model itself decides, `off` when it shall not think. */
  readonly mode?: 'on' | 'adaptive' | 'off'
  /** Whether thoughts are shown. */
  readonly shown?: boolean
  /** In which words: `auto`, `concise`, `detailed`. */
  readonly summary?: string
  readonly extra?: Extra
}

export type FinishReason =
  | 'stop'
  | 'stop_sequence'
  | 'length'
  | 'tool_calls'
  | 'content_filter'
  /** The provider interrupts its own tools; sent back as it is, the answer goes on. */
  | 'pause'
  /** What the model wrote was no valid call or message. */
  | 'malformed'
  | 'other'

/** Why an answer ended, in our words and in the provider's. */
export interface Finish {
  readonly reason: FinishReason
  readonly native?: string
  readonly stopSequence?: string
  readonly extra?: Extra
}

export interface ChatAnswer {
  readonly id?: string
  readonly model?: string
  readonly createdS?: number
  readonly serviceTier?: string
  /** One for each choice that the client asked for, in order of their index. */
  readonly choices: readonly Choice[]
  readonly usage?: Usage
  /** The provider's own numbers. */
  readonly usageReported?: unknown
  readonly extra?: Extra
}

export interface Choice {
  readonly message: Message
  readonly finish?: Finish
  readonly logprobs?: readonly TokenLogprob[]
  readonly extra?: Extra
}

export interface TokenLogprob {
  readonly token: string
  readonly logprob: number
  readonly bytes?: readonly number[] | null
  readonly top?: readonly TokenLogprob[]
}

/**
 * A step of a streamed answer. `choice` counts the answers to one request, `part` the parts of a choice's message in the
 * order in which they begin. A part begins once, whole or with its beginning, grows, and may be said to have ended; parts
 * may grow in turns. What a dialect does not tell (that a part has ended, usage before the end) is not told here either.
 */
export type ChatEvent =
  | {
      readonly kind: 'start'
      readonly id?: string
      readonly model?: string
      readonly createdS?: number
      readonly serviceTier?: string
      readonly extra?: Extra
    }
  | { readonly kind: 'begin'; readonly choice: number; readonly part: number; readonly value: Part }
  /** More of a text, refusal, reasoning, of a call's arguments, or of the data of audio. */
  | { readonly kind: 'grow'; readonly choice: number; readonly part: number; readonly text: string }
  /** What is learnt of a part after it began. */
  | { readonly kind: 'amend'; readonly choice: number; readonly part: number; readonly with: Amendment }
  | { readonly kind: 'end'; readonly choice: number; readonly part: number }
  | { readonly kind: 'logprobs'; readonly choice: number; readonly tokens: readonly TokenLogprob[] }
  | { readonly kind: 'finish'; readonly choice: number; readonly finish: Finish }
  /** All that is known so far, not what was added. */
  | { readonly kind: 'usage'; readonly usage: Usage; readonly reported?: unknown }
  /** Of the answer as a whole, or of a choice, whatever its dialect wants back. */
  | {
      readonly kind: 'extra'
      readonly choice?: number
      readonly extra: Extra
      /** Where it is told only after the beginning. */
      readonly serviceTier?: string
    }

export interface Amendment {
  readonly seal?: Seal
  readonly citation?: Citation
  /** For calls. */
  readonly id?: string
  readonly name?: string
  /** For audio. */
  readonly transcript?: string
  /** For what its own dialect alone knows, and tools that the provider runs: as it is in the end. */
  readonly value?: unknown
  readonly extra?: Extra
}

/** The later of two extras of one dialect stands before the earlier, field by field. */
export function mergeExtra(before: Extra | undefined, after: Extra | undefined): Extra | undefined {
  if (!before || !after) return after ?? before
  const echo = before.echo || after.echo ? { ...before.echo, ...after.echo } : undefined
  return { dialect: after.dialect, fields: { ...before.fields, ...after.fields }, ...(echo && { echo }) }
}
