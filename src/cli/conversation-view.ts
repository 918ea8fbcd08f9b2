import type { ChatAnswer, DocumentPart, Media, Message, Part } from '../core/chat.ts'
import type { Conversation } from '../store/show.ts'
import type { Screen } from './screen.ts'
import { indent, plain, plainLine, wrap } from './text.ts'
import { count, counted, size } from './units.ts'

/** How much of one text is shown unless all is wanted. */
const textLength = 2_000
const urlLength = 120

export interface ConversationOptions {
  readonly full: boolean
  /** What stands where there is no answer. */
  readonly unanswered: string
  /** Why nothing of it was recorded, where that was meant. */
  readonly uncaptured?: string
  /** The messages of the call before: an agent sends them all again each time. */
  readonly earlier?: readonly Message[]
}

type Draw = (part: Part, columns: number) => string[]

/** What was said, each message under its role, the answer last. */
export function conversationLines(
  conversation: Conversation | undefined,
  screen: Screen,
  options: ConversationOptions,
): string[] {
  if (!conversation)
    return [options.uncaptured === undefined ? 'Not recorded.' : `Not recorded: ${options.uncaptured}.`]
  const { messages, tools, answer, notes } = conversation
  const known = options.full ? 0 : commonStart(messages, options.earlier ?? [])
  const draw = drawing(screen, options.full)
  return [
    ...(known > 0
      ? [screen.paint('dim', `(the first ${counted(known, 'message')} as in the call before; --full shows them)`)]
      : []),
    ...(tools.length > 0
      ? wrap(`(tools: ${tools.map(plainLine).join(', ')})`, screen.columns ?? 100).map((line) =>
          screen.paint('dim', line),
        )
      : []),
    ...messages.slice(known).flatMap((message) => messageLines(message, '', screen, draw)),
    ...(answer ? answerLines(answer, screen, draw) : [screen.paint('dim', `(${options.unanswered})`)]),
    ...notes
      .flatMap((note) => wrap(`Note: ${plain(note)}`, screen.columns ?? 100))
      .map((line) => screen.paint('yellow', line)),
  ]
}

function commonStart(messages: readonly Message[], earlier: readonly Message[]): number {
  const differs = messages.findIndex((message, index) => JSON.stringify(message) !== JSON.stringify(earlier[index]))
  return differs === -1 ? messages.length : differs
}

const answerLines = ({ choices }: ChatAnswer, screen: Screen, draw: Draw): string[] =>
  choices.length === 0
    ? [screen.paint('dim', '(the answer is empty)')]
    : choices.flatMap(({ message, finish }, index) => {
        const which = choices.length === 1 ? 'answer' : `answer ${index + 1} of ${choices.length}`
        return messageLines(
          message,
          ` (${which}${finish ? `, finish: ${plainLine(finish.native ?? finish.reason)}` : ''})`,
          screen,
          draw,
        )
      })

function messageLines(
  { role, name, parts }: Message,
  remark: string,
  { columns = 100, paint }: Screen,
  draw: Draw,
): string[] {
  const who = name === undefined ? role : `${role} ${plainLine(name)}`
  const said = parts.flatMap((part) => draw(part, columns - 2))
  return [
    paint('bold', who) + paint('dim', remark),
    ...indent(said.length > 0 ? said : [paint('dim', '(empty)')], '  '),
  ]
}

function drawing({ paint }: Screen, full: boolean): Draw {
  const shown = (text: string, columns: number): string[] => {
    const safe = plain(text)
    if (full || safe.length <= textLength) return wrap(safe, columns)
    const start = safe.slice(0, textLength).replace(/[\ud800-\udbff]$/, '')
    return [
      ...wrap(start, columns),
      paint('dim', `… ${count(safe.length - start.length)} more characters; --full shows them`),
    ]
  }
  const draw: Draw = (part, columns) => {
    switch (part.kind) {
      case 'text':
        return shown(part.text, columns)
      case 'refusal':
        return shown(`Refused: ${part.text}`, columns).map((line) => paint('red', line))
      case 'reasoning':
        return [
          paint('dim', part.redacted ? '[thoughts, hidden by the provider]' : '[thoughts]'),
          ...indent(part.text === '' ? [] : shown(part.text, columns - 4), '    ').map((line) => paint('dim', line)),
        ]
      case 'image':
      case 'video':
        return placeholder([part.kind, mediaText(part.source)])
      case 'audio':
        return [
          ...placeholder(['audio', mediaText(part.source)]),
          ...(part.transcript === undefined ? [] : shown(part.transcript, columns)),
        ]
      case 'document':
        return documentLines(part, columns)
      case 'tool-call':
        return [
          paint('cyan', `→ ${plainLine(part.name)}`) + (part.id === '' ? '' : ` ${paint('dim', plainLine(part.id))}`),
          ...indent(part.arguments === '' ? [] : shown(prettyJson(part.arguments), columns - 4), '    '),
        ]
      case 'tool-result':
        return [
          `${paint('cyan', part.isError ? '← error of' : '← result of')} ${plainLine(part.callId)}`,
          ...indent(
            part.parts.flatMap((inner) => draw(inner, columns - 4)),
            '    ',
          ),
        ]
      case 'server-tool':
        return [
          paint('dim', `[${plainLine(part.name)} ${part.phase} of ${plainLine(part.dialect)}]`),
          ...foreign(part.value, columns),
        ]
      case 'opaque':
        return [paint('dim', `[${plainLine(part.dialect)}]`), ...foreign(part.value, columns)]
    }
  }
  const foreign = (value: unknown, columns: number): string[] =>
    indent(shown(JSON.stringify(value, undefined, 2) ?? '', columns - 4), '    ')
  const documentLines = ({ source, title }: DocumentPart, columns: number): string[] => {
    switch (source.kind) {
      case 'text':
        return [...placeholder(['document', title]), ...indent(shown(source.text, columns - 4), '    ')]
      case 'parts': {
        const lines = source.parts.flatMap((inner) => draw(inner, columns - 4))
        return [...placeholder(['document', title]), ...indent(lines, '    ')]
      }
      default:
        return placeholder(['document', title, mediaText(source)])
    }
  }
  const placeholder = (words: readonly (string | undefined)[]): string[] => [
    paint(
      'dim',
      `[${words
        .filter((word) => word !== undefined)
        .map(plainLine)
        .join(' ')}]`,
    ),
  ]
  return draw
}

/** What a picture, sound or file is, without being it. */
function mediaText(source: Media): string {
  switch (source.kind) {
    case 'data':
      return `${source.mediaType}, ${size(base64Bytes(source.data))}`
    case 'url':
      return source.url.length > urlLength ? `${source.url.slice(0, urlLength)}…` : source.url
    case 'file':
      return source.id
  }
}

const base64Bytes = (text: string): number => Math.floor((text.replace(/=+$/, '').length * 3) / 4)

/** With its numbers as they were written: an id of twenty digits would lose some as a number. */
function prettyJson(text: string): string {
  const { rawJSON } = JSON as unknown as { rawJSON: (source: string) => unknown }
  const keepNumber = (_: string, value: unknown, { source }: { source?: string } = {}): unknown =>
    typeof value === 'number' && source !== undefined ? rawJSON(source) : value
  try {
    return JSON.stringify(JSON.parse(text, keepNumber), undefined, 2)
  } catch {
    return text
  }
}
