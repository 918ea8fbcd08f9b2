import { isDeepStrictEqual } from 'node:util'
import type { ChatAnswer, ChatRequest, Message, Part, ReasoningPart, Seal, ToolCall } from '../core/chat.ts'

/** How much is remembered: characters of sealed thoughts, of the newest calls. */
const mostCharacters = 32 * 1024 * 1024

/** What a turn's tool call needs beside itself when it comes back. */
interface Memory {
  /** All thoughts of its turn, with their seals, and behind how many calls each stood; only with the first call. */
  readonly thoughts: readonly Thought[]
  readonly seal: Seal | undefined
  /** Some hosts use the same ids again: it is the same call only if it asks the same of the same tool. */
  readonly call: Pick<ToolCall, 'name' | 'arguments'>
  readonly size: number
}

interface Thought {
  readonly part: ReasoningPart
  readonly callsBefore: number
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
      let thoughts = thoughtsOf(message.parts)
      for (const call of message.parts.filter(isCall)) {
        if (thoughts.length > 0 || call.seal) this.add(project, call, thoughts)
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
    const memories = message.parts.filter(isCall).map((call) => this.of(project, call))
    if (!memories.some(Boolean)) return message
    const sealed = message.parts.map((part): Part => {
      const seal = isCall(part) && !part.seal && this.of(project, part)?.seal
      return seal ? { ...part, seal } : part
    })
    const thoughts = memories.flatMap((memory) => memory?.thoughts ?? [])
    // Some clients keep a part of them, and providers refuse a turn that was changed: what was said is what we know.
    const parts = thoughts.length === 0 || isSame(thoughts, message.parts) ? sealed : withThoughts(sealed, thoughts)
    return { ...message, parts }
  }

  private of(project: string, call: ToolCall): Memory | undefined {
    const memory = this.memories.get(keyOf(project, call.id))
    return memory && isSameCall(memory.call, call) ? memory : undefined
  }

  private add(project: string, { id, name, arguments: asked, seal }: ToolCall, thoughts: readonly Thought[]): void {
    const key = keyOf(project, id)
    const before = this.memories.get(key)
    if (before) this.forget(key, before)
    const size = thoughts.reduce(
      (sum, { part }) => sum + part.text.length + (part.seal?.value.length ?? 0),
      key.length + asked.length + (seal?.value.length ?? 0),
    )
    this.memories.set(key, { thoughts, seal, call: { name, arguments: asked }, size })
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

/** The thoughts of a message where at least one is sealed: those without a seal between them belong to the turn as well. */
function thoughtsOf(parts: readonly Part[]): readonly Thought[] {
  const thoughts: Thought[] = []
  let callsBefore = 0
  for (const part of parts) {
    if (isCall(part)) callsBefore++
    else if (part.kind === 'reasoning') thoughts.push({ part, callsBefore })
  }
  return thoughts.some(({ part }) => part.seal) ? thoughts : []
}

const isSameCall = (a: Pick<ToolCall, 'name' | 'arguments'>, b: Pick<ToolCall, 'name' | 'arguments'>): boolean =>
  a.name === b.name && (a.arguments === b.arguments || isDeepStrictEqual(read(a.arguments), read(b.arguments)))

/** Clients write arguments anew, in their own order; none are an empty object to many. */
function read(written: string): unknown {
  try {
    return JSON.parse(written || '{}')
  } catch {
    return written
  }
}

const isSame = (thoughts: readonly Thought[], parts: readonly Part[]): boolean => {
  const seals = (all: readonly Part[]): string =>
    JSON.stringify(all.map((part) => (part.kind === 'reasoning' ? (part.seal?.value ?? part.text) : '')))
  return seals(thoughts.map(({ part }) => part)) === seals(parts.filter(({ kind }) => kind === 'reasoning'))
}

/** Each thought before what came next after as many calls. */
function withThoughts(parts: readonly Part[], thoughts: readonly Thought[]): readonly Part[] {
  const waiting = [...thoughts]
  const whole: Part[] = []
  let calls = 0
  for (const part of parts) {
    if (part.kind === 'reasoning') continue
    while (waiting[0] && waiting[0].callsBefore <= calls) whole.push((waiting.shift() as Thought).part)
    whole.push(part)
    if (isCall(part)) calls++
  }
  return [...whole, ...waiting.map(({ part }) => part)]
}

const keyOf = (project: string, id: string): string => `${project}\n${id}`

const isCall = (part: Part): part is ToolCall => part.kind === 'tool-call'
