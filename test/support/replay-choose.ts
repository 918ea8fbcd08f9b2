import { apis, type Exchange, type IndexRow, index, load } from './recordings.ts'
import {
  type Asked,
  askedOf,
  type Difference,
  differences,
  documentedEdits,
  type Edit,
  isEqual,
  undo,
} from './replay-compare.ts'

/** Which exchanges are served: rows of the index, or ids and exchanges that a test made itself; all when left out. */
export type Selection = ((row: IndexRow) => boolean) | readonly (string | Exchange)[]

export interface Arrived {
  /** Host undefined: any host will do. */
  readonly asked: Omit<Asked, 'host'> & { readonly host: string | undefined }
  readonly id: string | undefined
  /** The path was made up by whoever wrote `/id/<id>/…`, so it says nothing. */
  readonly anyPath: boolean
}

export type Choice =
  | { readonly exchange: Exchange }
  | { readonly message: string; readonly nearest: string | undefined; readonly difference: readonly Difference[] }

interface Candidate {
  readonly api: keyof typeof apis
  readonly exchange: () => Exchange
}

interface Judged {
  readonly exchange: Exchange
  readonly difference: readonly Difference[]
}

interface Options {
  readonly exchanges?: Selection | undefined
  readonly edits?: readonly Edit[] | undefined
  readonly strict?: boolean | undefined
}

export type Choose = (arrived: Arrived) => Choice

/** Finds the recorded answer of a request, and remembers which ones were given, since a session asks the same twice. */
export function chooser({ exchanges, edits = documentedEdits, strict = true }: Options): Choose {
  const candidates = candidatesOf(exchanges)
  const byId = new Map(candidates)
  const turns = new Turns()

  return (arrived) => {
    const choice = arrived.id === undefined ? matching(arrived) : named(arrived, arrived.id)
    if ('exchange' in choice) turns.take(choice.exchange)
    return choice
  }

  function named(arrived: Arrived, id: string): Choice {
    const exchange = byId.get(id)?.exchange()
    if (!exchange)
      return { message: `There is no recording ${id} among those served.`, nearest: undefined, difference: [] }
    if (!strict || exchange.request.body === null) return { exchange }
    const difference = differencesFrom(exchange, arrived)
    if (difference.length === 0) return { exchange }
    return { message: `The request is not the one that was recorded as ${id}.`, nearest: id, difference }
  }

  function matching(arrived: Arrived): Choice {
    const { path } = arrived.asked
    const likely = candidates
      .filter(([, { api }]) => apis[api]?.test(path) ?? true)
      .map(([, { exchange }]) => exchange())
    const equal = likely.filter((exchange) => canBeMatched(exchange) && isMatch(exchange, arrived))
    const chosen = turns.next(leastEdited(equal, arrived))
    return chosen ? { exchange: chosen } : unmatched(arrived, likely)
  }

  function unmatched(arrived: Arrived, likely: readonly Exchange[]): Choice {
    const what = `${arrived.asked.method} ${arrived.asked.host ?? ''}${arrived.asked.path}`
    const nearest =
      nearestOf(
        likely.filter((exchange) => isSamePath(exchange, arrived)),
        arrived,
      ) ??
      nearestOf(likely, arrived) ??
      nearestOf(
        candidates.map(([, { exchange }]) => exchange()),
        arrived,
      )
    if (!nearest)
      return { message: `Nothing that is served can match ${what} without an id.`, nearest: undefined, difference: [] }
    const { exchange, difference } = nearest
    return { message: `No recording matches ${what}; the nearest is ${exchange.id}.`, nearest: exchange.id, difference }
  }

  function nearestOf(among: readonly Exchange[], arrived: Arrived): Judged | undefined {
    const judged = among
      .filter(canBeMatched)
      .map((exchange) => ({ exchange, difference: differencesFrom(exchange, arrived) }))
    const fewest = Math.min(...judged.map(({ difference }) => difference.length))
    const closest = judged.filter(({ difference }) => difference.length === fewest)
    const [exchange] = leastEdited(
      closest.map(({ exchange }) => exchange),
      arrived,
    )
    return closest.find((one) => one.exchange === exchange)
  }

  /** Those that needed the fewest and the least important edits: the exact model before any other. */
  function leastEdited(among: readonly Exchange[], arrived: Arrived): readonly Exchange[] {
    return edits.reduce<readonly Exchange[]>((left, edit) => {
      if (left.length < 2) return left
      const rest = edits.filter((other) => other !== edit)
      const without = left.map((exchange) => [...compared(exchange, arrived, rest)].length)
      const fewest = Math.min(...without)
      return left.filter((_, at) => without[at] === fewest)
    }, among)
  }

  function differencesFrom(exchange: Exchange, arrived: Arrived): readonly Difference[] {
    return [...compared(exchange, arrived, edits)]
  }

  function isMatch(exchange: Exchange, arrived: Arrived): boolean {
    return compared(exchange, arrived, edits).next().done === true
  }

  function isSamePath(exchange: Exchange, arrived: Arrived): boolean {
    const recorded = askedOf(exchange)
    const { host, path } = undo(edits, completed(arrived, recorded), recorded)
    return isEqual([recorded.host, recorded.path], [host, path])
  }
}

function compared(exchange: Exchange, arrived: Arrived, edits: readonly Edit[]): Generator<Difference> {
  const recorded = askedOf(exchange)
  return differences(recorded, undo(edits, completed(arrived, recorded), recorded))
}

/** What the request leaves open is taken from the recording. */
function completed({ asked, anyPath }: Arrived, recorded: Asked): Asked {
  return { ...asked, host: asked.host ?? recorded.host, path: anyPath ? recorded.path : asked.path }
}

/** A request that nobody kept cannot be matched; that of a GET is complete without a body. */
function canBeMatched({ request, evidence }: Exchange): boolean {
  return request.body !== null || (request.method === 'GET' && evidence === 'recorded')
}

function candidatesOf(selection: Selection | undefined): readonly (readonly [id: string, candidate: Candidate])[] {
  if (selection === undefined || typeof selection === 'function') {
    const rows = selection ? index().filter(selection) : index()
    return rows.map(({ id, api }) => [id, { api, exchange: () => load(id) }])
  }
  return selection.map((given) => {
    const exchange = typeof given === 'string' ? load(given) : given
    return [exchange.id, { api: exchange.api, exchange: () => exchange }]
  })
}

/** Whose turn it is among recordings of one and the same request. */
class Turns {
  readonly #served = new Map<string, number>()
  readonly #sessions = new Map<string, { readonly position: number; readonly at: number }>()
  #clock = 0

  /** First the next position of a session that is under way (the latest one), then what was given least often. */
  next(among: readonly Exchange[]): Exchange | undefined {
    return among.toSorted(
      (one, other) => this.#underWay(other) - this.#underWay(one) || this.#count(one) - this.#count(other),
    )[0]
  }

  take(exchange: Exchange): void {
    const { id, position } = exchange.session
    this.#served.set(exchange.id, this.#count(exchange) + 1)
    this.#sessions.set(id, { position, at: ++this.#clock })
  }

  #count({ id }: Exchange): number {
    return this.#served.get(id) ?? 0
  }

  #underWay({ session }: Exchange): number {
    const last = this.#sessions.get(session.id)
    return last && last.position === session.position - 1 ? last.at : 0
  }
}
