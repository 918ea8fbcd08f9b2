import type { ChatAnswer, ChatRequest, Message, Part, ReasoningPart, Seal, ToolCall } from '../core/chat.ts'

/** How much is remembered: characters of sealed thoughts, of the newest calls. */
const mostCharacters = 32 * 1024 * 1024

/** What a turn's tool call needs beside itself when it comes back. */
interface Memory {
  /** The thoughts that led to it, with their seals; only with the first call of a turn. */
  readonly thoughts: readonly ReasoningPart[]
  readonly seal: Seal | undefined
  readonly size: number
}

/**
 * Sealed thoughts of answers that were translated, under the ids of the calls that they led to. Many clients keep of an
 * answer only its text and its calls, and their next turn would be refused without the rest. The oldest are forgotten first.
 */
export class Remembered {
  private readonly memories = new Map<string, Memory>()
  private readonly most: number
  private size = 0

  constructor(most = mostCharacters) {
    this.most = most
  }

  /** `project` keeps the calls of one project from the others. */
  keep(project: string, { choices }: ChatAnswer): void {
    for (const { message } of choices) {
      let thoughts: readonly ReasoningPart[] = message.parts.filter(isSealedThought)
      for (const call of message.parts.filter(isCall)) {
        if (thoughts.length > 0 || call.seal) this.add(keyOf(project, call.id), thoughts, call.seal)
        thoughts = []
      }
    }
  }

  /** The request with what its client left out of earlier turns. */
  restored(project: string, request: ChatRequest): ChatRequest {
    if (this.memories.size === 0) return request
    let isChanged = false
    const messages = request.messages.map((message) => {
      const whole = this.whole(project, message)
      isChanged ||= whole !== message
      return whole
    })
    return isChanged ? { ...request, messages } : request
  }

  private whole(project: string, message: Message): Message {
    if (message.role !== 'assistant') return message
    const calls = message.parts.filter(isCall)
    const known = calls.map((call) => this.memories.get(keyOf(project, call.id)))
    if (!known.some(Boolean)) return message
    const thoughts = known.flatMap((memory) => memory?.thoughts ?? [])
    const hasSeals = message.parts.some(isSealedThought)
    // Without their seals the thoughts came back as plain text: the sealed ones say the same.
    const others =
      hasSeals || thoughts.length === 0 ? message.parts : message.parts.filter((part) => part.kind !== 'reasoning')
    const parts = others.map((part): Part => {
      const seal = part.kind === 'tool-call' && !part.seal && this.memories.get(keyOf(project, part.id))?.seal
      return seal ? { ...(part as ToolCall), seal } : part
    })
    return { ...message, parts: hasSeals ? parts : [...thoughts, ...parts] }
  }

  private add(key: string, thoughts: readonly ReasoningPart[], seal: Seal | undefined): void {
    const before = this.memories.get(key)
    if (before) this.forget(key, before)
    const size = thoughts.reduce(
      (sum, thought) => sum + thought.text.length + (thought.seal?.value.length ?? 0),
      key.length + (seal?.value.length ?? 0),
    )
    this.memories.set(key, { thoughts, seal, size })
    this.size += size
    for (const [oldest, memory] of this.memories) {
      if (this.size <= this.most) break
      this.forget(oldest, memory)
    }
  }

  private forget(key: string, { size }: Memory): void {
    this.memories.delete(key)
    this.size -= size
  }
}

const keyOf = (project: string, id: string): string => `${project}\n${id}`

const isCall = (part: Part): part is ToolCall => part.kind === 'tool-call'
const isSealedThought = (part: Part): part is ReasoningPart => part.kind === 'reasoning' && part.seal !== undefined
