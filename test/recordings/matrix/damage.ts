/** Recordings with something wrong in them, the same in every run. */
import { seed } from './any-input.ts'

export type Random = (below: number) => number

/** So many draws from a list, each with dice of its own: the same in every run. */
export function* drawn<T>(from: readonly T[], count: number): Generator<readonly [T, Random]> {
  if (from.length === 0) return
  let state = seed >>> 0
  const random: Random = (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  for (let draw = 0; draw < count; draw++) yield [from[draw % from.length] as T, random]
}

const wrong: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '1e300',
  '""',
  '"text"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '[{}]',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '"\\ud83d"',
  '"__proto__"',
  '"constructor"',
  '{"type":"tomorrow"}',
]

/** One to three values of it replaced by something else. */
export function damaged(value: unknown, random: Random): unknown {
  const copy = structuredClone(value)
  for (let times = 1 + random(3); times > 0; times--) {
    const places: { holder: Record<string, unknown>; name: string }[] = []
    collect(copy, places)
    const place = places[random(places.length)]
    if (!place) return JSON.parse(wrong[random(wrong.length)] as string)
    if (random(6) === 0) delete place.holder[place.name]
    else place.holder[place.name] = JSON.parse(wrong[random(wrong.length)] as string)
  }
  // As it comes over the wire: without holes in lists.
  return JSON.parse(JSON.stringify(copy))
}

function collect(value: unknown, places: { holder: Record<string, unknown>; name: string }[]): void {
  if (typeof value !== 'object' || value === null) return
  const holder = value as Record<string, unknown>
  for (const name of Object.keys(holder)) {
    places.push({ holder, name })
    collect(holder[name], places)
  }
}

/** A frame with a wrong value in it, or with its end missing. */
export function damagedText(data: string, random: Random): string {
  if (random(5) === 0) return data.slice(0, random(data.length))
  try {
    return JSON.stringify(damaged(JSON.parse(data), random)) ?? 'null'
  } catch {
    return `${data}}`
  }
}
