/** scratch */
import { test } from 'vitest'
import { index, load } from '../support/recordings.ts'
import { startReplayUpstream } from '../support/replay-upstream.ts'
import { startTest } from '../support/trunkline.ts'
import { edits, pass, served, type Passed } from './pass-through/client.ts'
import { batched, type Place, placeOf, settingsFor } from './pass-through/places.ts'
import { expectStored } from './pass-through/stored.ts'

test('scratch', {timeout: 120000}, async () => {
  const all = index().map(({ id }) => placeOf(id)).filter((p) => typeof p !== 'string') as Place[]
  const upstream = await startReplayUpstream({ exchanges: all.map(({ id }) => served(load(id))), edits })
  const out: string[] = []
  const batches = batched(all)
  for (const batch of batches) {
    await using trunkline = await startTest({ settings: settingsFor(batch, upstream.url) })
    const ps: Passed[] = []
    for (const place of batch) ps.push(await pass(place, trunkline.url, upstream))
    for (const p of ps) {
      if (p.place.door.counts) continue
        try { expectStored(p, await trunkline.trace(p.trace)) } catch (e: any) { out.push(`${p.place.id} STORED ${p.status} ${e.message.slice(0, 200)} ${e.actual ? JSON.stringify(diff(e.actual,e.expected)).slice(0,700):''}`) }
    }
  }
  console.log(out.length)
  console.log(out.join('\n'))
  await upstream.close()
})
function diff(a: any, b: any, path = ''): any {
  if (JSON.stringify(a) === JSON.stringify(b)) return []
  if (typeof a === 'object' && typeof b === 'object' && a && b) return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((k) => diff(a[k], b[k], path + '.' + k))
  return [[path, a, b]]
}
