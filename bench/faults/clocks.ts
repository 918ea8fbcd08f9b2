/** How late each of the five clocks of an attempt fires. */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { helper } from '../children.ts'
import type { Gateway } from '../gateway.ts'
import { median } from '../statistics.ts'
import { atMost, type Row, type Verdict } from '../table.ts'
import { type Behaviour, type OpenCall, openCall, startHanging } from './hanging.ts'

export interface Clock {
  readonly clock: string
  readonly settingMs: number
  /** From when it was due until the client had its error; infinite where it never came. */
  readonly lateMs: readonly number[]
}

export interface ClocksOptions {
  readonly start: (upstream: string, settings: object) => Promise<Gateway>
  /** Of each clock. */
  readonly calls: number
  readonly say: (line: string) => void
  readonly faults: string[]
}

/** Each so much shorter than those that run beside it that it fires first in its own case. */
const timeouts = { connect_ms: 300, headers_ms: 400, first_content_ms: 500, idle_ms: 350, total_ms: 1_500 }

type Since = 'arrivedMs' | 'headMs' | 'lastByteMs' | 'startedMs'

/** Which provider makes a clock fire, and from when on it runs. */
const cases: readonly { key: keyof typeof timeouts; model: Behaviour; stream: boolean; since: Since }[] = [
  { key: 'connect_ms', model: 'silent', stream: false, since: 'startedMs' },
  { key: 'headers_ms', model: 'silent', stream: false, since: 'arrivedMs' },
  { key: 'first_content_ms', model: 'no-content', stream: true, since: 'headMs' },
  { key: 'idle_ms', model: 'idle', stream: true, since: 'lastByteMs' },
  { key: 'total_ms', model: 'endless', stream: true, since: 'startedMs' },
]

const atOnce = 10
const patienceMs = 3_000
/** The gateway looks at its clocks so often: calls begin at any time between two looks. */
const lookedAtMs = 50
/** What it promises for a clock. */
const latestMs = 150

export async function measureClocks({ start, calls, say, faults }: ClocksOptions): Promise<Clock[]> {
  const upstream = await startHanging()
  const deaf = await startDeaf()
  const servers = {
    [upstream.url]: await start(upstream.url, { timeouts }),
    [deaf.url]: await start(deaf.url, { timeouts }),
  }
  const measured: Clock[] = []
  for (const { key, model, stream, since } of cases) {
    const settingMs = timeouts[key]
    const { url } = servers[key === 'connect_ms' ? deaf.url : upstream.url] as Gateway
    const one = async (): Promise<number> => {
      await sleep(Math.random() * lookedAtMs)
      const call = openCall(url, model, stream)
      const end = await patiently(call, settingMs)
      if (!end?.text.includes(`timeout_${key.replace('_ms', '')}`)) return Number.POSITIVE_INFINITY
      const sinceMs = since === 'startedMs' ? call.startedMs : (await upstream.seen(call.mark))[since]
      return end.atMs - sinceMs - settingMs
    }
    const lateMs: number[] = []
    for (let made = 0; made < calls; made += atOnce) {
      lateMs.push(...(await Promise.all(Array.from({ length: atOnce }, one))))
    }
    measured.push({ clock: key, settingMs, lateMs })
    say(`${key}: ${median(lateMs).toFixed(1)} ms late`)
  }
  for (const server of Object.values(servers)) {
    const { complaint } = await server.stop()
    if (complaint) faults.push(complaint)
  }
  await deaf.stop()
  upstream.stop()
  return measured
}

/** Undefined when there is no end long after the clock should have fired. */
async function patiently(call: OpenCall, settingMs: number) {
  const end = await Promise.race([call.over, sleep(settingMs + patienceMs).then(() => undefined)])
  call.leave()
  return end
}

/** A port that takes no more connections: its queue is full, and what comes is neither taken nor refused. */
async function startDeaf() {
  const started = helper('deaf.ts', [])
  const { port } = await started.line<{ port: number }>()
  const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  await sleep(100)
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      for (const socket of waiting) socket.destroy()
      await started.stop()
    },
  }
}

export const clockRows = (clocks: readonly Clock[]): Row[] =>
  clocks.map(({ clock, settingMs, lateMs }) => {
    const fired = lateMs.filter(Number.isFinite)
    const missing = lateMs.length - fired.length
    return [
      clock,
      `set to ${settingMs} ms`,
      `median ${late(median(fired))}`,
      `worst ${late(Math.max(...fired))}`,
      missing === 0 ? '' : `${missing} of ${lateMs.length} never fired`,
    ]
  })

const late = (ms: number): string => (Number.isFinite(ms) ? `${ms.toFixed(1)} ms late` : '–')

/** A clock that does not fire is as late as can be. */
export const clockVerdicts = (clocks: readonly Clock[]): Verdict[] =>
  clocks.flatMap(({ clock, lateMs }) => [
    atMost(`${clock}: worst delay`, Math.max(...lateMs), latestMs, 'ms'),
    atMost(`${clock}: fired early`, lateMs.filter((ms) => ms < 0).length, 0),
  ])
