import type { Message, Part, ToolCall, ToolResult } from '../core/chat.ts'

/** A message and its place in the request, by which what is lost of it is named. */
export interface Placed {
  readonly message: Message
  readonly index: number
}

interface OpenCall {
  readonly id: string
  /** As the client has them. */
  readonly said: string
  readonly name: string
  readonly custom: true | undefined
}

/** What stands where a call has no result, since providers refuse a call without one. */
const noResult = 'The tool was not run: the conversation went on without its result.'

export const placed = (messages: readonly Message[]): readonly Placed[] =>
  messages.map((message, index) => ({ message, index }))

/**
 * The messages as OpenAI's rules have them: the results of a turn's calls come directly after it, one for each, under an
 * id that no other call has. A call without a result gets one that says so; a result without its call is told by the user.
 */
export function pairedMessages(messages: readonly Message[]): readonly Placed[] {
  if (!messages.some(({ parts }) => parts.some((part) => isCall(part) || isResult(part)))) return placed(messages)
  const done: Placed[] = []
  const used = new Set<string>()
  let open: OpenCall[] = []
  let between: Placed[] = []
  const settle = (): void => {
    done.push(...answered(between, open))
    between = []
    open = []
  }
  for (const one of joined(messages)) {
    if (one.message.role !== 'assistant') {
      between.push(one)
      continue
    }
    settle()
    const parts = one.message.parts.map((part) => {
      if (!isCall(part)) return part
      const id = unused(part.id || `call_${one.index}_${open.length}`, used)
      open.push({ id, said: part.id, name: part.name, custom: part.custom })
      return id === part.id ? part : { ...part, id }
    })
    done.push({ ...one, message: { ...one.message, parts } })
  }
  settle()
  return done
}

/** What the assistant says directly after it called tools belongs to the turn whose results are still to come. */
function joined(messages: readonly Message[]): readonly Placed[] {
  const all: Placed[] = []
  for (const [index, message] of messages.entries()) {
    const last = all.at(-1)
    const isOne = message.role === 'assistant' && last?.message.role === 'assistant' && last.message.parts.some(isCall)
    if (isOne) all[all.length - 1] = { ...last, message: together(last.message, message) }
    else all.push({ message, index })
  }
  return all
}

const together = (first: Message, second: Message): Message => ({
  ...second,
  ...first,
  parts: [...first.parts, ...second.parts],
})

/** What stands between two turns of the assistant: the results of the first, then all else in its order. */
function answered(between: readonly Placed[], open: readonly OpenCall[]): readonly Placed[] {
  const waiting = [...open]
  const results: Placed[] = []
  const others: Placed[] = []
  for (const { message, index } of between) {
    const inPlace: Part[] = []
    const left: Part[] = []
    for (const part of message.parts) {
      const call = isResult(part) ? callOf(part, waiting) : undefined
      if (call && isResult(part)) inPlace.push({ ...part, callId: call.id })
      else if (isResult(part)) left.push(...told(part))
      else left.push(part)
    }
    if (inPlace.length > 0) results.push({ message: { ...message, parts: inPlace }, index })
    if (message.role !== 'tool') others.push({ message, index })
    else if (left.length > 0) others.push({ message: { role: 'user', parts: left }, index })
  }
  const missing = waiting.map(
    (call): Part => ({
      kind: 'tool-result',
      callId: call.id,
      name: call.name,
      ...(call.custom && { custom: true }),
      parts: [{ kind: 'text', text: noResult }],
    }),
  )
  if (missing.length > 0) results.push({ message: { role: 'tool', parts: missing }, index: between[0]?.index ?? 0 })
  return [...results, ...others]
}

/** A result without an id belongs to the first call of its name that still waits, or else to the first that waits. */
function callOf({ callId, name }: ToolResult, waiting: OpenCall[]): OpenCall | undefined {
  const byId = waiting.findIndex(({ said }) => said === callId)
  const byName = callId === '' ? waiting.findIndex((call) => call.said === '' && call.name === name) : -1
  const at = byName >= 0 ? byName : byId
  return at < 0 ? undefined : waiting.splice(at, 1)[0]
}

const told = ({ name, parts }: ToolResult): readonly Part[] => [
  { kind: 'text', text: `Result of an earlier call${name ? ` of ${name}` : ''}:` },
  ...parts,
]

function unused(id: string, used: Set<string>): string {
  let found = id
  for (let count = 2; used.has(found); count++) found = `${id}_${count}`
  used.add(found)
  return found
}

const isCall = (part: Part): part is ToolCall => part.kind === 'tool-call'
const isResult = (part: Part): part is ToolResult => part.kind === 'tool-result'
