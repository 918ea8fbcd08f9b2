import type { ChatRequest, Message, Part } from '../core/chat.ts'
import { allowedId } from '../dialects/ids.ts'

/** What every provider takes as the name of a tool; some take more. Google's begin with a letter. */
const allowed = /^[a-zA-Z_][a-zA-Z0-9_-]*$/
const longest = 64

export interface Renamed {
  readonly request: ChatRequest
  /** What the client called a tool, by the name that it goes out under. */
  readonly names: ReadonlyMap<string, string>
}

const none: ReadonlyMap<string, string> = new Map()

/** The request with names of tools that every provider takes. The answer gets the client's own back. */
export function withAllowedNames(request: ChatRequest): Renamed {
  const asked = new Set([
    ...request.tools.flatMap((tool) => (tool.kind === 'server' ? [] : [tool.name])),
    ...request.messages.flatMap(({ parts }) => parts.flatMap(calledIn)),
  ])
  const changed = [...asked].filter((name) => name !== '' && !(allowed.test(name) && name.length <= longest))
  if (changed.length === 0) return { request, names: none }
  const out = new Map(changed.map((name) => [name, allowedName(name)]))
  const nameOf = (name: string): string => out.get(name) ?? name
  const { toolChoice } = request
  return {
    names: new Map([...out].map(([name, sent]) => [sent, name])),
    request: {
      ...request,
      tools: request.tools.map((tool) => (tool.kind === 'server' ? tool : { ...tool, name: nameOf(tool.name) })),
      messages: request.messages.map((message) => renamed(message, nameOf)),
      ...(toolChoice?.names && { toolChoice: { ...toolChoice, names: toolChoice.names.map(nameOf) } }),
    },
  }
}

function allowedName(name: string): string {
  const letters = allowedId(name, allowed, longest)
  return allowed.test(letters) ? letters : `_${letters}`.slice(0, longest)
}

const calledIn = (part: Part): string[] =>
  part.kind === 'tool-call' || (part.kind === 'tool-result' && part.name !== undefined) ? [part.name as string] : []

const renamed = (message: Message, nameOf: (name: string) => string): Message =>
  message.parts.some((part) => calledIn(part).some((name) => nameOf(name) !== name))
    ? {
        ...message,
        parts: message.parts.map((part): Part => {
          if (part.kind === 'tool-call') return { ...part, name: nameOf(part.name) }
          return part.kind === 'tool-result' && part.name !== undefined ? { ...part, name: nameOf(part.name) } : part
        }),
      }
    : message
