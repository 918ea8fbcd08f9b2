/** What a provider's answer says, its clients read through every door. */
import type { ChatAnswer, ChatEvent } from '../../../src/core/chat.ts'
import { assemble, disassemble } from '../../../src/core/chat-events.ts'
import { runStep } from '../../../src/core/steps.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { bodyOf, type Chat, type Door, dialectOf, doors, eventsOf, isStream, serverSent } from './formats.ts'
import { grammarFaults } from './grammar.ts'
import type { Said, SaidChoice, SaidFinish, SaidUsage } from './oracle/said.ts'
import { meaning, obj } from './oracle/tree.ts'
import { whyNoAnswer } from './round-trip.ts'
import { differences } from './same.ts'
import { contextOf, decodedStream, eventsWithCallIds, requestOf, withCallIds } from './translate.ts'
import { notApplicable, type Verdict, verdictOf } from './verdict.ts'

export function throughDoor(chat: Chat, door: Door): Verdict {
  const { exchange, speaker, oracle } = chat
  const target = dialectOf(door)
  const reason = whyNoAnswer(chat)
  if (reason !== undefined) return notApplicable(reason)
  const streams = isStream(exchange)
  const said = oracle.said(streams ? oracle.fold(eventsOf(exchange)) : obj(bodyOf(exchange)))
  const events = streams ? decodedStream(chat) : [...disassemble(speaker.decodeAnswer(bodyOf(exchange)))]
  const answer = streams ? assemble(events) : speaker.decodeAnswer(bodyOf(exchange))
  const isOwn = chat.dialect === door
  const media = said.choices.flatMap((choice) => choice.media)
  return verdictOf([
    ...whole(chat, target, door, answer, media, (read) => compared(said, read, door, isOwn, 'whole')),
    ...streamed(chat, target, door, events, media, (read) => compared(said, read, door, isOwn, 'streamed')),
  ])
}

function whole(
  chat: Chat,
  target: Dialect,
  door: Door,
  answer: ChatAnswer,
  media: readonly string[],
  compare: (read: Said) => readonly string[],
): readonly string[] {
  const body = target.encodeAnswer(withCallIds(answer), contextOf(requestOf(chat)))
  // Written and parsed again: whatever is no JSON would not reach a client.
  const text = JSON.stringify(body)
  return [...compare(doors[door].said(obj(JSON.parse(text)))), ...mediaFaults(media, text)]
}

/** Pictures reach the client, in a place of their own or in the text. */
const mediaFaults = (media: readonly string[], text: string): readonly string[] =>
  media.flatMap((data) => (text.includes(data) ? [] : [`${data.slice(0, 20)}… is not shown`]))

function streamed(
  chat: Chat,
  target: Dialect,
  door: Door,
  events: readonly ChatEvent[],
  media: readonly string[],
  compare: (read: Said) => readonly string[],
): readonly string[] {
  const request = { ...requestOf(chat), stream: true }
  const frames = runStep(target.encodeStream(contextOf(request)), eventsWithCallIds(events))
  const bytes = Buffer.concat(frames.map((frame) => target.framing.write(frame))).toString('utf8')
  const wire = serverSent(bytes)
  const faults = grammarFaults(door, wire, bytes).map((fault) => `streamed: ${fault}`)
  return [...faults, ...compare(doors[door].said(doors[door].fold(wire))), ...mediaFaults(media, bytes)]
}

/** How a door says the ends for which it has no word of its own. */
const endings: Readonly<Record<Door, Partial<Record<SaidFinish, readonly SaidFinish[]>>>> = {
  'openai-chat': {
    stop_sequence: ['stop'],
    pause: ['stop'],
    malformed: ['stop', 'content_filter'],
    other: ['stop', 'other'],
  },
  'openai-responses': {
    stop_sequence: ['stop'],
    pause: ['stop'],
    malformed: ['stop', 'content_filter', 'other'],
    other: ['stop', 'other'],
  },
  'anthropic-messages': { malformed: ['stop', 'content_filter'], other: ['stop', 'other'] },
  gemini: { stop_sequence: ['stop'], pause: ['stop'], other: ['stop', 'other'] },
}

function compared(said: Said, read: Said, door: Door, isOwn: boolean, how: string): readonly string[] {
  // Only these two have several answers to one request; of the others the first is shown.
  const several = door === 'openai-chat' || door === 'gemini'
  const wanted = several ? said.choices : said.choices.slice(0, 1)
  return [
    ...differences(
      read.choices.map((choice) => plain(choice)),
      wanted.map((choice) => plain(choice)),
      how,
    ),
    ...wanted.flatMap((choice, place) => endingFaults(choice, read.choices[place], door, isOwn, how)),
    ...argumentFaults(wanted, read.choices, how),
    // Anthropic cites whole blocks of text, and the blocks of a stream begin before it is known what will be cited.
    ...(door === 'anthropic-messages' && !isOwn
      ? []
      : wanted.flatMap((choice, place) => quoteFaults(choice, read.choices[place], how))),
    ...(door === 'anthropic-messages'
      ? []
      : differences(
          read.choices.map(({ tokens }) => tokens),
          wanted.map(({ tokens }) => tokens),
          `${how} tokens`,
        )),
    ...differences(read.usage ?? none, told(said.usage ?? none, door), `${how} usage`),
  ]
}

/** Gemini has no word for what was written into a cache: it counts as input like any other. */
const told = (usage: SaidUsage, door: Door): SaidUsage => (door === 'gemini' ? { ...usage, written: 0 } : usage)

const none: SaidUsage = { input: 0, output: 0, cached: 0, written: 0, reasoning: 0 }

/**
 * A refusal is text in a field of its own at OpenAI and text like any other elsewhere. Pictures stand in the text as
 * Markdown where a door has no place for them.
 */
const plain = ({ text, refusal, reasoning, calls, links }: SaidChoice): unknown => ({
  text: (text + refusal).replace(/!\[[^\]]*\]\(data:[^)]*\)\s*/g, ''),
  reasoning,
  calls: calls.map(({ name, args }) => ({ name, args: meaning(args) })),
  // A page has to have a title at OpenAI: one that has none is called by its address.
  links: links.map(({ url, title }) => ({ url, title: title || url })),
})

function endingFaults(
  { finish, calls }: SaidChoice,
  read: SaidChoice | undefined,
  door: Door,
  isOwn: boolean,
  how: string,
): readonly string[] {
  const allowed = [...(endings[door][finish] ?? [finish])]
  // Whoever is called has to be told so: not every provider says it, but every client looks for it.
  if (calls.length > 0 && (finish === 'stop' || finish === 'none')) {
    if (!isOwn || finish === 'none') allowed.length = 0
    allowed.push('tool_calls')
  }
  if (calls.length > 0 && finish === 'malformed') allowed.push('tool_calls')
  if (finish === 'none') allowed.push('stop')
  if (isOwn) allowed.push(finish)
  const got = read?.finish ?? 'none'
  return allowed.includes(got) ? [] : [`${how}: ends with ${got}, not ${allowed.join(' or ')}`]
}

/** Each passage for which the provider names a page has it at the door, too. */
function quoteFaults({ quotes }: SaidChoice, read: SaidChoice | undefined, how: string): readonly string[] {
  const told = new Set(read?.quotes.map(({ url, text }) => `${url} ${text}`))
  return quotes.flatMap(({ url, text }) =>
    text === '' || told.has(`${url} ${text}`)
      ? []
      : [`${how}: ${url.slice(0, 60)} is not cited for "${text.slice(0, 60)}"`],
  )
}

/** Where both wires have arguments as text, it is the model's own text to the byte; no arguments are `{}` or nothing. */
function argumentFaults(wanted: readonly SaidChoice[], read: readonly SaidChoice[], how: string): readonly string[] {
  return wanted.flatMap(({ calls }, choice) =>
    calls.flatMap(({ args, name }, place) => {
      const got = read[choice]?.calls[place]?.args
      if (typeof args !== 'string' || typeof got !== 'string' || args.trim() === '') return []
      return args === got ? [] : [`${how}: the arguments of ${name} are ${got.slice(0, 80)}, not ${args.slice(0, 80)}`]
    }),
  )
}
