import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Server, startUpstream } from '../../bench/contender.ts'
import { crowdResult } from '../../bench/crowd.ts'
import { type Kill, kill } from '../../bench/faults/kill.ts'
import { type Gateway, gateway } from '../../bench/gateway.ts'
import { stopAndCount } from '../../bench/soak/streams.ts'

// The short form of bench:faults and bench:soak: what must come out, whatever the machine. How long it takes is theirs.

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'trunkline-test-'))
const started: Gateway[] = []
let upstream: Server

beforeAll(async () => {
  upstream = await startUpstream()
})

afterAll(async () => {
  // A test that failed has left its own running.
  for (const server of started) await server.kill()
  await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function start(name: string): Promise<Gateway> {
  const server = await gateway(main, [], upstream.url, { dataDir: join(folder, name) })
  started.push(server)
  return server
}

/** A busy machine keeps a record longer than the clocks say, but not for so long. */
const lostWithinMs = 1_000
const markedWithinMs = 1_750

// Each waits more than it works.
describe.concurrent('a server process', { timeout: 60_000 }, () => {
  test('is killed three times under load, and nothing is half written or forgotten', async ({ expect }) => {
    const kills: Kill[] = []
    let server = await start('killed')
    for (const aliveMs of [1_800, 2_000, 1_900]) {
      const { found, next } = await kill(server, aliveMs, () => start('killed'), { rate: 150, slow: 0.1 })
      kills.push(found)
      server = next
    }
    expect(await server.stop()).not.toHaveProperty('complaint')
    for (const { answered, lostTracesMs, lostLedgerMs, interruptedMs, forgottenMs, ...rest } of kills) {
      expect(rest).toMatchObject({ damages: [], halves: [], stillRunning: 0, interruptedWithoutLedger: 0 })
      expect(rest).not.toHaveProperty('failure')
      expect(answered).toBeGreaterThan(20)
      expect(Math.max(0, ...lostTracesMs, ...lostLedgerMs)).toBeLessThan(lostWithinMs)
      expect(Math.max(0, ...forgottenMs)).toBeLessThan(markedWithinMs)
      expect(interruptedMs.length).toBeGreaterThan(0)
    }
  })

  test('holds 300 streams at once, and none fails', async ({ expect }) => {
    const server = await start('streams')
    const paced = { share: 1, ms: 50, contents: 40 }
    const result = await crowdResult({ url: server.url, connections: 300, calls: 300, paced })
    expect(result.firstFailure).toBeUndefined()
    expect(result.calls).toBe(300)
    expect(await stopAndCount(server)).toMatchObject({ inLedger: 300, callSpans: 300, byStatus: { ok: 300 } })
  })

  test('records each of 3,000 calls, also those whose client leaves', async ({ expect }) => {
    const server = await start('calls')
    const paced = { share: 0.05, ms: 5, contents: 10 }
    const crowd = { url: server.url, connections: 32, calls: 3_000, streams: 0.3, paced, leaving: 0.05 }
    const { left, failures, firstFailure } = await crowdResult(crowd)
    expect(firstFailure).toBeUndefined()
    expect({ failures, someLeft: left > 50 }).toEqual({ failures: 0, someLeft: true })
    const { callSpans, attempts, inLedger, byStatus } = await stopAndCount(server)
    expect(callSpans).toBe(3_000)
    expect(attempts).toBe(inLedger)
    const { ok = 0, cancelled = 0, ...others } = byStatus
    expect({ sum: ok + cancelled, others }).toEqual({ sum: 3_000, others: {} })
    expect(cancelled).toBeLessThanOrEqual(left)
  })
})
