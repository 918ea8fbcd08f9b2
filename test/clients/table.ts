import { afterAll, beforeEach, describe, test } from 'vitest'
import type { RefusalKind, Wire } from '../support/speaking/script.ts'
import type { SpeakingUpstream } from '../support/speaking-upstream.ts'
import { libraries } from './libraries.ts'
import type { Address, Library } from './library.ts'
import { type SceneName, type Stage, scenes } from './scenes.ts'
import { Scoreboard } from './scoreboard.ts'
import { startTap } from './tap.ts'

/** What stands behind Trunkline, and by which names it is asked for. */
export interface Column {
  readonly name: string
  readonly behind: Wire
  /** The Trunkline that is asked. */
  readonly url: string
  readonly model: string
  /** Another model where that one does not think. */
  readonly thinking?: string
  readonly lacks?: Stage['lacks']
  /** Which tests have to do with it; all of them when absent. */
  readonly concerns?: (library: Library, scene: SceneName) => boolean
  /** Why there is nothing to test. */
  readonly leavesOut?: (library: Library, scene: SceneName) => string | undefined
}

const nothing: Stage['lacks'] = new Set()

/** The key that every vendor has to be shown. */
export const key = 'key-of-the-vendor'

/** Settings that put the speaking upstream in the place of these providers, each with the path below which it is. */
export const settingsFor = (
  upstream: SpeakingUpstream,
  paths: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(paths).flatMap(([name, path]) => [
      [`providers.${name}.base_url`, `${upstream.url}${path}`],
      [`providers.${name}.api_key`, key],
    ]),
  )

/** A list, which only the configuration file can have: the one dialect in which a vendor is asked. */
export const only = (dialect: Wire): string => [dialect] as unknown as string

/** Where a client of each dialect is pointed: nothing but this changes for it. */
const doors: Readonly<Partial<Record<Wire, string>>> = { 'anthropic-messages': '/anthropic', gemini: '/gemini' }

/** A vendor who calls a bad key a bad request, or forbidden, is told as what it means. */
const statuses: Readonly<Record<RefusalKind, readonly number[]>> = {
  invalid: [400],
  key: [401],
  busy: [429],
  overloaded: [503, 529],
  'too-long': [400],
}

/** Every client library before each of these vendors, in all scenes. The table is printed at the end. */
export async function playTable(upstream: SpeakingUpstream, columns: readonly Column[]): Promise<void> {
  const board = new Scoreboard()
  const urls = [...new Set(columns.map(({ url }) => url))]
  const taps = new Map(await Promise.all(urls.map(async (url) => [url, await startTap(url)] as const)))
  beforeEach(() => {
    upstream.taken()
    for (const tap of taps.values()) tap.dropped()
  })
  afterAll(async () => {
    console.log(board.text())
    await Promise.all([...taps.values()].map((tap) => tap.close()))
  })

  for (const library of libraries) {
    for (const [left, reason] of Object.entries(library.cannot ?? {})) board.note(library.name, left, reason)
    for (const {
      name: column,
      behind,
      url,
      model,
      thinking = model,
      lacks = nothing,
      concerns = () => true,
      leavesOut,
    } of columns) {
      const tap = taps.get(url) as Awaited<ReturnType<typeof startTap>>
      const at: Address = { url: `${tap.url}${doors[library.speaks] ?? ''}`, model, key: 'key-of-the-client' }
      const stage: Stage = {
        library,
        at,
        thinking: { ...at, model: thinking },
        behind,
        isDirect: library.speaks === behind,
        upstream,
        key,
        statusesOf: (kind) => statuses[kind],
        lacks,
        dropped: tap.dropped,
      }
      const played = (Object.keys(scenes) as SceneName[]).filter((scene) => concerns(library, scene))
      if (played.length === 0) continue
      describe(`${library.name}, ${column} behind`, () => {
        for (const scene of played) {
          test(scene, async ({ skip }) => {
            const left = leavesOut?.(library, scene)
            const play = async (): Promise<string | undefined> => left ?? (await scenes[scene](stage))
            const reason = await board.play({ row: library.name, column, scene }, play)
            if (reason !== undefined) skip(reason)
          })
        }
      })
    }
  }
}
