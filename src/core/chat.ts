import type { Usage } from './usage.ts'

/** The inner chat: what every dialect is decoded to and encoded from. It is nobody's wire format. */
export interface ChatRequest {
  readonly model: string
  readonly stream: boolean
  readonly messages: readonly Message[]
  readonly tools: readonly Tool[]
}

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool'

export interface Message {
  readonly role: Role
  readonly name?: string
  readonly parts: readonly Part[]
}

/** What a message is made of. `opaque` is what only one dialect knows: it goes back to that dialect unchanged. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refusal'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'image'; readonly url: string; readonly detail?: string }
  | { readonly kind: 'audio'; readonly data: string; readonly format: string }
  | { readonly kind: 'document'; readonly data?: string; readonly fileId?: string; readonly filename?: string }
  | ToolCall
  | { readonly kind: 'tool-result'; readonly callId: string; readonly parts: readonly Part[] }
  | { readonly kind: 'opaque'; readonly dialect: string; readonly value: unknown }

export interface ToolCall {
  readonly kind: 'tool-call'
  readonly id: string
  readonly name: string
  /** The bytes that the model wrote, which need not be JSON. */
  readonly arguments: string
}

export interface Tool {
  readonly name: string
  readonly description?: string
  /** The JSON Schema of the arguments, as it came. */
  readonly schema?: unknown
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other'

export interface ChatAnswer {
  readonly id?: string
  readonly model?: string
  /** One for each choice that the client asked for, in order of their index. */
  readonly choices: readonly Choice[]
  readonly usage?: Usage
}

export interface Choice {
  readonly message: Message
  readonly finish?: FinishReason
}

/** A step of a streamed answer. `choice` counts the answers to one request, `call` the tool calls of a choice. */
export type ChatEvent =
  | { readonly kind: 'start'; readonly id?: string; readonly model?: string }
  | { readonly kind: 'text' | 'refusal' | 'reasoning'; readonly choice: number; readonly text: string }
  | {
      readonly kind: 'tool-call'
      readonly choice: number
      readonly call: number
      readonly id?: string
      readonly name?: string
      readonly arguments: string
    }
  | { readonly kind: 'finish'; readonly choice: number; readonly reason: FinishReason }
  | { readonly kind: 'usage'; readonly usage: Usage }

/** Puts the events of a stream together to the answer that the same call would have given whole. */
export function assemble(events: Iterable<ChatEvent>): ChatAnswer {
  let id: string | undefined
  let model: string | undefined
  let usage: Usage | undefined
  const choices = new Map<number, ChoiceDraft>()
  const draftOf = (index: number): ChoiceDraft => {
    const known = choices.get(index)
    if (known) return known
    const draft: ChoiceDraft = { texts: { reasoning: '', text: '', refusal: '' }, calls: new Map(), finish: undefined }
    choices.set(index, draft)
    return draft
  }
  for (const event of events) {
    switch (event.kind) {
      case 'start':
        id ??= event.id
        model ??= event.model
        break
      case 'text':
      case 'refusal':
      case 'reasoning':
        draftOf(event.choice).texts[event.kind] += event.text
        break
      case 'tool-call': {
        const { calls } = draftOf(event.choice)
        const call = calls.get(event.call) ?? { id: '', name: '', arguments: '' }
        calls.set(event.call, {
          id: call.id || (event.id ?? ''),
          name: call.name || (event.name ?? ''),
          arguments: call.arguments + event.arguments,
        })
        break
      }
      case 'finish':
        draftOf(event.choice).finish = event.reason
        break
      case 'usage':
        usage = event.usage
    }
  }
  return {
    ...(id !== undefined && { id }),
    ...(model !== undefined && { model }),
    choices: [...choices].toSorted(([a], [b]) => a - b).map(([, draft]) => choiceOf(draft)),
    ...(usage && { usage }),
  }
}

interface ChoiceDraft {
  readonly texts: Record<'text' | 'refusal' | 'reasoning', string>
  readonly calls: Map<number, { id: string; name: string; arguments: string }>
  finish: FinishReason | undefined
}

function choiceOf({ texts, calls, finish }: ChoiceDraft): Choice {
  const spoken = (['reasoning', 'text', 'refusal'] as const)
    .filter((kind) => texts[kind] !== '')
    .map((kind): Part => ({ kind, text: texts[kind] }))
  const called = [...calls].toSorted(([a], [b]) => a - b).map(([, call]): Part => ({ kind: 'tool-call', ...call }))
  return { message: { role: 'assistant', parts: [...spoken, ...called] }, ...(finish && { finish }) }
}
