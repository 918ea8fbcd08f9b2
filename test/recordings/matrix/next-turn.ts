/**
 * The second turn of a recorded conversation, built from our reading of the first answer, is what was really sent:
 * signatures, ids, order. Through a door, a client that speaks it sends back what it got of us.
 */
import type { ChatAnswer, ChatRequest, Message, Part } from '../../../src/core/chat.ts'
import { assemble } from '../../../src/core/chat-events.ts'
import { Remembered } from '../../../src/gateway/remembered.ts'
import { type Exchange, type IndexRow, index } from '../../support/recordings.ts'
import { bodyOf, type Chat, chatOf, type Door, dialectOf, isStream } from './formats.ts'
import { normalOf } from './normal.ts'
import { isObj, list, meaning, obj, str, type Tree } from './oracle/tree.ts'
import { takesAll, whyNoAnswer } from './round-trip.ts'
import { differences } from './same.ts'
import { contextOf, decodedStream, requestOf, withCallIds } from './translate.ts'
import { notApplicable, type Verdict, verdictOf } from './verdict.ts'

export function nextTurn(chat: Chat, door?: Door): Verdict {
  const reason = whyNoAnswer(chat)
  if (reason !== undefined) return notApplicable(reason)
  const next = nextOf(chat)
  if (typeof next === 'string') return notApplicable(next)
  const { request, body, place, until } = next
  const { speaker } = chat
  const answer = isStream(chat.exchange) ? assemble(decodedStream(chat)) : speaker.decodeAnswer(bodyOf(chat.exchange))
  const said = door ? sentBack(chat, door, answer) : answer.choices[0]?.message
  if (!said) return notApplicable('there is no choice')
  const turns = Array.isArray(said) ? said : [said]
  const rebuilt: ChatRequest = {
    ...request,
    messages: renamed(
      [...request.messages.slice(0, place), ...turns, ...request.messages.slice(until)],
      place,
      request,
    ),
  }
  const { body: again } = speaker.encodeRequest(rebuilt, takesAll(body))
  const normal = normalOf(chat.dialect)
  const [ours, theirs] = [again, body].map((one) => itemsOf(normal.request(one), chat.dialect)) as [Items, Items]
  return verdictOf(door ? missing(carried(ours), carried(theirs)) : missing(ours, theirs))
}

type Items = readonly Tree[]

/**
 * What another wire format can carry of a turn: texts in one piece, without the pages that they cite; calls and results;
 * thoughts with their seals. What the provider did with its own tools stays with the provider, and so do the ids of items.
 */
function carried(items: Items): Items {
  const out: Tree[] = []
  for (const item of items) {
    const part = obj(item.part)
    if (isServed(item) || isServed(part)) continue
    const text = textIn(item, part)
    const last = out.at(-1)
    if (text === undefined) {
      const { id: _id, phase: _phase, ...rest } = item
      out.push(rest)
    } else if (last?.text !== undefined && last.role === item.role) {
      out[out.length - 1] = { role: item.role, text: `${last.text}${text}` }
    } else out.push({ role: item.role, text })
  }
  return out
}

function textIn(item: Tree, part: Tree): string | undefined {
  if (item.type === 'message') return textsOf(item.content)
  if (isObj(part.citationsContent)) return textsOf(part.citationsContent.content)
  return typeof part.text === 'string' && part.thought !== true && (part.type ?? 'text') === 'text'
    ? part.text
    : undefined
}

const textsOf = (parts: unknown): string =>
  list(parts)
    .map(({ text }) => str(text))
    .join('')

/** A call of the provider to a tool of its own, or what came of it. */
function isServed({ type, executableCode, codeExecutionResult, toolCall, toolResponse, toolUse }: Tree): boolean {
  if (executableCode ?? codeExecutionResult ?? toolCall ?? toolResponse) return true
  if (obj(toolUse).type === 'server_tool_use') return true
  const name = str(type)
  return (
    /_tool_result$|^server_tool_use$|_call$/.test(name) && !/^(tool_result|function_call|custom_tool_call)$/.test(name)
  )
}

/** What a request says piece by piece, in order: each block, part, item or call with who says it. */
function itemsOf(request: unknown, dialect: string): Items {
  const body = obj(request)
  if (dialect === 'openai-responses')
    // Clients read arguments and write them anew, with spaces or without.
    return list(body.input).map((item) =>
      item.type === 'function_call' ? { ...item, arguments: meaning(item.arguments) } : item,
    )
  if (dialect === 'gemini')
    return list(body.contents).flatMap(({ role, parts }) => list(parts).map((part) => ({ role, part })))
  return list(body.messages).flatMap(({ role, content, tool_calls, ...rest }) => [
    ...thoughtsIn(role, rest),
    ...list(content).map((part) => ({ role, part })),
    ...list(tool_calls).map(({ id, function: called }) => ({
      role,
      call: { id, name: obj(called).name, arguments: meaning(obj(called).arguments) },
    })),
  ])
}

/** What a chat message has beside its content: thoughts are the same under each of their names, or under two at once. */
function thoughtsIn(role: unknown, fields: Tree): Items {
  const { reasoning, reasoning_content, reasoning_details, prefix: _prefix, ...rest } = fields
  const told =
    str(reasoning_content) ||
    str(reasoning) ||
    list(reasoning_details)
      .map(({ text, summary }) => str(text ?? summary))
      .join('')
  return [...(told ? [{ role, thoughts: told }] : []), ...(Object.keys(rest).length > 0 ? [{ role, rest }] : [])]
}

/** What was sent and is not in what we send, in that order. A client may leave out what it was told, and does. */
function missing(ours: readonly Tree[], theirs: readonly Tree[]): readonly string[] {
  const faults: string[] = []
  let place = 0
  for (const item of theirs) {
    const at = ours.findIndex((one, index) => index >= place && faultsIn(one, item).length === 0)
    if (at >= 0) place = at + 1
    else
      faults.push(`not sent: ${JSON.stringify(item).slice(0, 160)}; nearest: ${faultsIn(ours[place] ?? {}, item)[0]}`)
  }
  const invented = ours.length - theirs.length
  return invented >= 0 || faults.length > 0 ? faults : [`${-invented} pieces are missing`]
}

const faultsIn = (ours: Tree, theirs: Tree): readonly string[] =>
  differences(ours, theirs).filter((difference) => !isClients(difference))

/** What clients leave out of an answer that they send back though they may send it. */
const leftOutByClients =
  /\.?(annotations|refusal|reasoning|reasoning_content|reasoning_details|audio|images|citations|caller|index|logprobs|phase|status|id|encrypted_content|content|summary): .*, not nothing$/

/** Marks for the cache are set anew in each turn, and calls that had no id get one of the client's. */
const addedByClients = /(cache_control|cachePoint|functionCall\.id|functionResponse\.id): nothing, not /

const isClients = (difference: string): boolean => leftOutByClients.test(difference) || addedByClients.test(difference)

interface Next {
  readonly request: ChatRequest
  readonly body: Tree
  /** Where the answer stands in the messages of the next request, and where what follows it begins. */
  readonly place: number
  readonly until: number
}

let bySession: ReadonlyMap<string, readonly IndexRow[]> | undefined

function nextOf({ exchange, speaker, dialect }: Chat): Next | string {
  bySession ??= Map.groupBy(index(), ({ session }) => session)
  const { session } = exchange
  const rows = bySession.get(session.id) ?? []
  const later = rows.find(({ position }) => position === session.position + 1)
  if (!later) return 'no turn follows'
  const next = chatOf(later.id)
  if (typeof next === 'string' || next.dialect !== dialect) return 'what follows is in another wire format'
  const [first, body] = [exchange.request.body, next.exchange.request.body]
  if (first === null || body === null) return 'the request was not kept'
  if (body.previous_response_id !== undefined) return 'the provider keeps the conversation'
  const before = speaker.decodeRequest(first, askedOf(exchange))
  const request = speaker.decodeRequest(body, askedOf(next.exchange))
  const place = before.messages.length
  const isContinued =
    request.messages.length > place &&
    before.messages.every(({ role, parts }, at) => isAlike({ role, parts }, request.messages[at] as Message))
  if (!isContinued) return 'what follows is another conversation'
  let until = place
  while (request.messages[until]?.role === 'assistant') until++
  if (until === place) return 'what follows does not hold the answer'
  if (until === request.messages.length) return 'what follows ends with the answer'
  return { request, body, place, until }
}

const askedOf = ({ model, streaming }: Exchange) => ({ model: model ?? '', stream: streaming })

/** The same speaker and the same texts: marks and names may change between turns. */
const isAlike = (one: Pick<Message, 'role' | 'parts'>, other: Message): boolean =>
  one.role === other.role && textOf(one.parts) === textOf(other.parts)

const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (part.kind === 'text' ? part.text : part.kind)).join('|')

/** The results that follow belong to the calls as they are called now. */
function renamed(messages: readonly Message[], place: number, before: ChatRequest): readonly Message[] {
  const idsOf = (all: readonly Message[], from: number) =>
    all
      .slice(from)
      .filter(({ role }) => role === 'assistant')
      .flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'tool-call' ? [part.id] : [])))
  const [old, now] = [idsOf(before.messages, place), idsOf(messages, place)]
  const names = new Map(old.map((id, at) => [id, now[at] ?? id]))
  if (old.every((id) => names.get(id) === id)) return messages
  let nameless = 0
  return messages.map((message, at) =>
    at < place || message.role !== 'tool'
      ? message
      : {
          ...message,
          parts: message.parts.map((part) =>
            part.kind === 'tool-result'
              ? { ...part, callId: (part.callId === '' ? now[nameless++] : names.get(part.callId)) ?? part.callId }
              : part,
          ),
        },
  )
}

/** The assistant's turn as a client of this door sends it back: all of what it was given. */
function sentBack(chat: Chat, door: Door, answer: ChatAnswer): readonly Message[] {
  const target = dialectOf(door)
  const named = withCallIds(answer)
  const remembered = new Remembered()
  remembered.keep('project', named)
  const body = obj(JSON.parse(JSON.stringify(target.encodeAnswer(named, contextOf(requestOf(chat))))))
  const request = target.decodeRequest(requestsBack[door](body), { model: 'a-model', stream: false })
  // The gateway remembers the seals for which the client has no place.
  return remembered.restored('project', request).messages.filter(({ role }) => role === 'assistant')
}

const hello = 'Hello'

/** How an official client puts an answer into its next request. */
const requestsBack: Readonly<Record<Door, (body: Tree) => unknown>> = {
  'openai-chat': ({ choices }) => ({
    model: 'a-model',
    messages: [{ role: 'user', content: hello }, obj(list(choices)[0]).message],
  }),
  'openai-responses': ({ output }) => ({
    model: 'a-model',
    input: [{ role: 'user', content: hello }, ...list(output)],
  }),
  'anthropic-messages': ({ content }) => ({
    model: 'a-model',
    max_tokens: 1000,
    messages: [
      { role: 'user', content: hello },
      { role: 'assistant', content },
    ],
  }),
  gemini: ({ candidates }) => ({
    contents: [{ role: 'user', parts: [{ text: hello }] }, obj(list(candidates)[0]).content],
  }),
}
