import type { ChatAnswer, ChatRequest, Part } from './chat.ts'

/** What of a request a tokenizer can read: everything that is said, and the tools as they are described. */
export function requestText({ messages, tools }: ChatRequest): string {
  const said = messages.map(({ parts }) => partsText(parts))
  const offered = tools.map((tool) =>
    tool.kind === 'function'
      ? [tool.name, tool.description ?? '', tool.schema === undefined ? '' : JSON.stringify(tool.schema)].join('\n')
      : tool.name,
  )
  return [...said, ...offered].join('\n')
}

/** What of an answer a tokenizer can read: thoughts apart from what is said and called. */
export function answerText({ choices }: ChatAnswer): { readonly thoughts: string; readonly said: string } {
  const parts = choices.flatMap(({ message }) => message.parts)
  return {
    thoughts: partsText(parts.filter(({ kind }) => kind === 'reasoning')),
    said: partsText(parts.filter(({ kind }) => kind !== 'reasoning')),
  }
}

const partsText = (parts: readonly Part[]): string => parts.map(partText).join('\n')

/** Pictures, sound and files are counted in ways of their own, which only their provider knows. */
function partText(part: Part): string {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return part.text
    case 'tool-call':
      return `${part.name}\n${part.arguments}`
    case 'tool-result':
      return partsText(part.parts)
    case 'document':
      return part.source.kind === 'text'
        ? part.source.text
        : part.source.kind === 'parts'
          ? partsText(part.source.parts)
          : ''
    default:
      return ''
  }
}
