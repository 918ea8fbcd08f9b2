/**
 * Every recorded exchange whose client speaks a dialect of ours goes through Trunkline over real sockets, to a provider who
 * speaks the same: what arrives there is what was recorded, the client gets the recorded bytes, and what is stored of it is
 * what was said. The table of all of them is printed at the end, with the reason for each that cannot pass through.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { type IndexRow, index, load, noRecordings, recordingsFolder } from '../support/recordings.ts'
import { type ReplayUpstream, startReplayUpstream } from '../support/replay-upstream.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'
import { toldAnew, toldAnewFor } from './pass-through/accepted.ts'
import { edits, expectAnswered, expectList, type Passed, pass, served } from './pass-through/client.ts'
import { batched, type Place, placeOf, settingsFor } from './pass-through/places.ts'
import { expectStored } from './pass-through/stored.ts'

const here = recordingsFolder() !== undefined
const rows = here ? index() : []
const places = new Map(rows.map(({ id }) => [id, placeOf(id)]))
const passing = [...places.values()].filter((place) => typeof place !== 'string')
const batches = batched(passing)

/** What became of each exchange that can pass: empty when all was as recorded. */
const faults = new Map<string, string>()

let upstream: Promise<ReplayUpstream> | undefined
const trunklines = new Map<number, Promise<TestTrunkline>>()

const theUpstream = (): Promise<ReplayUpstream> =>
  (upstream ??= startReplayUpstream({ exchanges: passing.map(({ id }) => served(load(id))), edits }))

/** One Trunkline for all places that it can have at the same time. */
async function trunklineFor(place: Place): Promise<TestTrunkline> {
  const batch = batches.findIndex((members) => members.includes(place))
  const { url } = await theUpstream()
  const known = trunklines.get(batch) ?? startTest({ settings: settingsFor(batches[batch] ?? [], url) })
  trunklines.set(batch, known)
  return known
}

afterAll(async () => {
  for (const trunkline of trunklines.values()) await (await trunkline).stop()
  await (await upstream)?.close()
  if (here) console.log(table())
})

if (!here) test.skip(`recorded exchanges pass through: ${noRecordings}`, () => undefined)

describe.skipIf(!here)('recorded exchanges pass through', () => {
  const groups = Map.groupBy(
    rows.filter(({ id }) => typeof places.get(id) !== 'string'),
    ({ api, provider }) => `${api} · ${provider}`,
  )
  for (const [group, members] of groups) {
    test(`${members.length} of ${group}`, async () => {
      const passed: Passed[] = []
      for (const { id } of members) {
        await judge(id, async (place) => {
          const trunkline = await trunklineFor(place)
          const one = await pass(place, trunkline.url, await theUpstream())
          passed.push(one)
          expectAnswered(one)
        })
      }
      // What is stored is asked for once all have passed, since each question waits for the disk.
      for (const one of passed) {
        if (!one.place.door.counts)
          await judge(one.place.id, async (place) =>
            expectStored(one, await (await trunklineFor(place)).trace(one.trace)),
          )
      }
      expect(members.map(({ id }) => faults.get(id)).filter(Boolean)).toEqual([])
    })
  }

  test('each recorded answer was given once', async () => {
    const { seen } = await theUpstream()
    expect(seen.map(({ recording }) => recording).toSorted()).toEqual(passing.map(({ id }) => id).toSorted())
  })

  test('a stream of Gemini comes as one list to who does not ask for events', async () => {
    const streams = rows.filter(
      ({ api, id, features }) =>
        api === 'gemini.streamGenerateContent' &&
        load(id).response.status === 200 &&
        !features.includes('error-mid-stream') &&
        !/prompt-blocked/.test(id),
    )
    expect(streams.length).toBeGreaterThan(40)
    for (const { id } of streams) {
      const place = places.get(id) as Place
      expectList(await pass(place, (await trunklineFor(place)).url, await theUpstream(), ''))
    }
  })
})

async function judge(id: string, work: (place: Place) => Promise<void>): Promise<void> {
  const place = places.get(id) as Place
  try {
    await work(place)
    if (!faults.has(id)) faults.set(id, '')
  } catch (thrown) {
    const { message, actual, expected } = thrown as Error & { actual?: unknown; expected?: unknown }
    faults.set(id, `${id}: ${message}\n${JSON.stringify(actual)}\n${JSON.stringify(expected)}`.slice(0, 2_000))
  }
}

function table(): string {
  const groups = Map.groupBy(rows, ({ api, provider }) => `${api} · ${provider}`)
  const lines = [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, members]) => [group, ...counted(members), reasonsOf(members)])
  const all = [
    ['api · provider', 'exchanges', 'passed', 'failed', 'not applicable', ''],
    ...lines,
    ['all', ...counted(rows), ''],
  ]
  const widths = all[0]?.map((_, column) =>
    Math.max(...all.map((line) => (column < 5 ? (line[column]?.length ?? 0) : 0))),
  )
  return [
    ...all.map((line) => line.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join('  ')),
    'Of those that passed, these errors come in other bytes than were recorded:',
    ...toldAnew.map(({ ids, reason }) => `  ${ids.length}: ${reason} (${ids.join(', ')})`),
  ].join('\n')
}

function counted(members: readonly IndexRow[]): string[] {
  const judged = members.filter(({ id }) => faults.has(id))
  const failed = judged.filter(({ id }) => faults.get(id) !== '').length
  const not = members.filter(({ id }) => typeof places.get(id) === 'string').length
  return [members.length, judged.length - failed, failed, not].map(String)
}

function reasonsOf(members: readonly IndexRow[]): string {
  const reasons = members.flatMap(({ id }) => {
    const place = places.get(id)
    return typeof place === 'string' ? [place] : toldAnewFor(id) ? ['told anew, see below'] : []
  })
  return [...Map.groupBy(reasons, (reason) => reason)].map(([reason, { length }]) => `${length}: ${reason}`).join('; ')
}
