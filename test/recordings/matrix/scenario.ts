/**
 * One scenario recorded with several hosts is one request in several wire formats: translating one gives the other's
 * messages, in the same roles and order and with pictures in the same places. What their client adds to either is its own.
 */
import { type IndexRow, index } from '../../support/recordings.ts'
import { type Chat, chatOf } from './formats.ts'
import { normalOf } from './normal.ts'
import type { Asked } from './oracle/asked.ts'
import { askedOf } from './oracle/asked-readers.ts'
import { isObj, list, obj, type Tree } from './oracle/tree.ts'
import { takesAll } from './round-trip.ts'
import { differences } from './same.ts'
import { notApplicable, type Verdict, verdictOf } from './verdict.ts'

let byScenario: ReadonlyMap<string, readonly IndexRow[]> | undefined

export function scenarioIsOne(chat: Chat): Verdict {
  const { exchange, speaker, dialect } = chat
  const body = exchange.request.body
  if (body === null) return notApplicable('the request was not kept')
  if (exchange.session.position > 0) return notApplicable('a later turn: its model said other words')
  byScenario ??= Map.groupBy(
    index().filter(({ position, evidence }) => position === 0 && evidence === 'recorded'),
    ({ scenario }) => scenario,
  )
  const others = (byScenario.get(exchange.scenario) ?? []).flatMap(({ id }) => sibling(chat, id))
  if (others.length === 0) return notApplicable('no other wire format has the same request of the same project')
  const asked = { model: exchange.model ?? '', stream: exchange.streaming }
  const request = speaker.decodeRequest(body, asked)
  return verdictOf(
    others.flatMap((other) => {
      const theirs = other.exchange.request.body as Tree
      const { body: ours } = other.speaker.encodeRequest(request, takesAll(theirs))
      const normal = normalOf(other.dialect)
      return differences(
        turns(normal.request(ours), other.dialect),
        turns(normal.request(theirs), other.dialect),
        `${dialect} → ${other.exchange.id}`,
      )
    }),
  )
}

/** The same request of the same project in another format, one for each format. */
function sibling(chat: Chat, id: string): readonly Chat[] {
  const other = chatOf(id)
  if (typeof other === 'string' || other.dialect === chat.dialect) return []
  const [mine, theirs] = [chat.exchange, other.exchange]
  if (mine.source.repo !== theirs.source.repo || mine.request.body === null || theirs.request.body === null) return []
  const [from, to] = [askedOf[chat.dialect], askedOf[other.dialect]]
  if (!from || !to) return []
  return isSameTalk(from(mine.request.body), to(theirs.request.body)) ? [other] : []
}

const isSameTalk = (mine: Asked, theirs: Asked): boolean =>
  differences(
    { said: mine.said, system: mine.system, media: mine.media },
    { said: theirs.said, system: theirs.system, media: theirs.media },
  ).length === 0

/** Who says what: roles, texts, pictures. Instructions stand where the format has them. */
function turns(request: unknown, dialect: string): unknown {
  const body = obj(request)
  const said =
    dialect === 'gemini' ? list(body.contents) : dialect === 'openai-responses' ? list(body.input) : list(body.messages)
  const isInstruction = ({ role }: Tree) => role === 'system' || role === 'developer'
  return said.filter((turn) => !isInstruction(turn)).map(plain)
}

/** Without what a client may add to any part and what has no counterpart elsewhere. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (!isObj(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !added.has(name))
      .map(([name, member]) => [name, plain(member)]),
  )
}

const added = new Set([
  'detail',
  'cache_control',
  'cachePoint',
  'annotations',
  'filename',
  'file_name',
  'title',
  'name',
  'id',
  'status',
])
