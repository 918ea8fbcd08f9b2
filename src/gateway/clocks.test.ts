import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Timeouts } from '../core/config.ts'
import { roundMs } from '../core/rounds.ts'
import { Clocks } from './clocks.ts'

const limits: Timeouts = { connectMs: 100, headersMs: 200, firstContentMs: 400, idleMs: 300, totalMs: 1_000 }

const started = (changed: Partial<Timeouts> = {}): Clocks => new Clocks({ ...limits, ...changed }, 'openai', 0)

/** The code of the error with which it ends when it is looked at at these times, one after the other. */
const endOf = (clocks: Clocks, ...timesMs: readonly number[]): string | undefined =>
  timesMs.map((nowMs) => clocks.over(nowMs)).find((error) => error !== undefined)?.code

interface Row {
  readonly name: string
  readonly begin: (clocks: Clocks) => void
  /** The last moment at which it is still in time. */
  readonly dueMs: number
  readonly code: string
}

const rows: readonly Row[] = [
  { name: 'connect', begin: () => undefined, dueMs: 100, code: 'timeout_connect' },
  {
    name: 'headers, from the connection on',
    begin: (clocks) => clocks.connected(50),
    dueMs: 250,
    code: 'timeout_headers',
  },
  {
    name: 'headers, from the last connection on',
    begin(clocks) {
      clocks.connected(50)
      clocks.connected(90)
    },
    dueMs: 290,
    code: 'timeout_headers',
  },
  {
    name: 'first content, from the connection on',
    begin(clocks) {
      clocks.connected(50)
      clocks.headed()
    },
    dueMs: 450,
    code: 'timeout_first_content',
  },
  {
    name: 'first content, whatever else comes',
    begin(clocks) {
      clocks.connected(50)
      clocks.headed()
      clocks.heard()
      clocks.over(440)
    },
    dueMs: 450,
    code: 'timeout_first_content',
  },
  {
    name: 'idle, from the round after the last bytes on',
    begin(clocks) {
      clocks.connected(50)
      clocks.headed()
      clocks.heard()
      clocks.content()
      clocks.over(420)
    },
    dueMs: 720,
    code: 'timeout_idle',
  },
  {
    name: 'idle, from the round after the client took bytes again',
    begin(clocks) {
      clocks.connected(50)
      clocks.headed()
      clocks.heard()
      clocks.content()
      clocks.paused(true)
      for (const nowMs of [100, 450, 500]) clocks.over(nowMs)
      clocks.paused(false)
      clocks.over(550)
    },
    dueMs: 850,
    code: 'timeout_idle',
  },
  {
    name: 'total, before there is a connection',
    begin: (clocks) => clocks.atMost(80),
    dueMs: 80,
    code: 'timeout_total',
  },
  {
    name: 'total, with bytes all the time',
    begin(clocks) {
      clocks.connected(50)
      clocks.headed()
      clocks.content()
      clocks.heard()
    },
    dueMs: 1_000,
    code: 'timeout_total',
  },
  {
    name: 'total, while the client takes nothing',
    begin(clocks) {
      clocks.connected(50)
      clocks.headed()
      clocks.heard()
      clocks.content()
      clocks.paused(true)
    },
    dueMs: 1_000,
    code: 'timeout_total',
  },
]

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

describe('a clock', () => {
  test.each(rows)('goes off in the second round after its time, and not before: $name', ({ begin, dueMs, code }) => {
    const clocks = started()
    begin(clocks)
    expect(endOf(clocks, dueMs - roundMs, dueMs)).toBeUndefined()
    expect(clocks.over(dueMs + 1)).toBeUndefined()
    expect(clocks.over(dueMs + 2)?.code).toBe(code)
  })

  test('that is over when a process wakes up gives what waits to be read the time to be read', () => {
    const clocks = started()
    clocks.connected(10)
    clocks.headed()
    clocks.content()
    clocks.heard()
    expect(endOf(clocks, 50, 100, 950)).toBeUndefined()
    clocks.heard()
    expect(endOf(clocks, 951)).toBeUndefined()
  })

  test('does not count the time until bytes were read as silence after them', () => {
    const clocks = started()
    clocks.connected(10)
    clocks.headed()
    clocks.content()
    clocks.over(50)
    clocks.heard()
    expect(endOf(clocks, 600, 650, 900)).toBeUndefined()
    expect(endOf(clocks, 950, 999)).toBe('timeout_idle')
  })

  test('that was over once and is not any more has to be over twice again', () => {
    const clocks = started()
    expect(endOf(clocks, 101)).toBeUndefined()
    clocks.connected(101)
    expect(endOf(clocks, 151)).toBeUndefined()
    expect(endOf(clocks, 302)).toBeUndefined()
    expect(endOf(clocks, 352)).toBe('timeout_headers')
  })

  test('that is read twice in one round was over once', () => {
    const clocks = started()
    expect(endOf(clocks, 101, 101)).toBeUndefined()
    expect(endOf(clocks, 151)).toBe('timeout_connect')
  })

  test('says what to raise, for all providers or for this one', () => {
    const clocks = started()
    clocks.over(101)
    expect(clocks.over(151)?.message).toBe(
      'openai did not accept a connection within 100 ms. If it needs longer, raise timeouts.connect_ms or providers.openai.timeouts.connect_ms.',
    )
  })
})

describe('the total', () => {
  test('is shortened from now on', () => {
    const clocks = started({ connectMs: 5_000 })
    vi.advanceTimersByTime(400)
    clocks.atMost(100)
    expect(endOf(clocks, 500)).toBeUndefined()
    expect(endOf(clocks, 501, 551)).toBe('timeout_total')
  })

  test('is never made longer', () => {
    const clocks = started({ connectMs: 5_000 })
    vi.advanceTimersByTime(400)
    clocks.atMost(5_000)
    expect(endOf(clocks, 1_001, 1_051)).toBe('timeout_total')
  })
})

/** What is true of an attempt, with the times at which things really happened. */
interface Truth {
  connectedMs?: number
  hasHead?: true
  hasContent?: true
  isPaused?: boolean
  /** When bytes last came, or the client last took some. */
  movedMs: number
}

/** What may happen, and what of it is told. Under load rounds come late, so they are among it. */
const happenings = {
  connected(clocks: Clocks, truth: Truth, nowMs: number) {
    truth.connectedMs = nowMs
    clocks.connected(nowMs)
  },
  headed(clocks: Clocks, truth: Truth) {
    truth.hasHead = true
    clocks.headed()
  },
  heard(clocks: Clocks, truth: Truth, nowMs: number) {
    truth.movedMs = nowMs
    clocks.heard()
  },
  content(clocks: Clocks, truth: Truth, nowMs: number) {
    truth.hasContent = true
    happenings.heard(clocks, truth, nowMs)
    clocks.content()
  },
  paused(clocks: Clocks, truth: Truth) {
    truth.isPaused = true
    clocks.paused(true)
  },
  resumed(clocks: Clocks, truth: Truth, nowMs: number) {
    truth.isPaused = false
    truth.movedMs = nowMs
    clocks.paused(false)
  },
} as const

type What = keyof typeof happenings | 'round'
const what = fc.constantFrom<What>(...(Object.keys(happenings) as What[]), 'heard', 'round', 'round', 'round')
const timeline = fc.array(fc.tuple(what, fc.nat({ max: 200 })), { maxLength: 60 })

/** The clocks that run, by their codes, with the last moment at which they are in time: in words of their own. */
function deadlines({ connectedMs, hasHead, hasContent, isPaused, movedMs }: Truth): Record<string, number> {
  const waits = connectedMs !== undefined && !hasContent
  return {
    ...(connectedMs === undefined && { timeout_connect: limits.connectMs }),
    ...(waits && !hasHead && { timeout_headers: connectedMs + limits.headersMs }),
    ...(waits && { timeout_first_content: connectedMs + limits.firstContentMs }),
    ...(connectedMs !== undefined && hasContent && !isPaused && { timeout_idle: movedMs + limits.idleMs }),
    timeout_total: limits.totalMs,
  }
}

interface Look {
  /** By the code of each clock that is over, for how long it has been. */
  readonly lateMs: Readonly<Record<string, number>>
  readonly error: string | undefined
}

interface Played {
  readonly looks: readonly Look[]
  /** The longest time between two rounds. */
  readonly longestMs: number
}

/** Plays an attempt until a clock goes off, and tells what each round found. */
function play(written: readonly (readonly [What, number])[]): Played {
  const clocks = started()
  const truth: Truth = { movedMs: 0 }
  const looks: Look[] = []
  let nowMs = 0
  let roundAtMs = 0
  let longestMs = 0
  for (const [what, waitMs] of written) {
    nowMs += waitMs
    if (what !== 'round') {
      happenings[what](clocks, truth, nowMs)
      continue
    }
    nowMs = Math.max(nowMs, roundAtMs + roundMs)
    longestMs = Math.max(longestMs, nowMs - roundAtMs)
    roundAtMs = nowMs
    const late = Object.entries(deadlines(truth)).filter(([, dueMs]) => nowMs > dueMs)
    const error = clocks.over(nowMs)?.code
    looks.push({ lateMs: Object.fromEntries(late.map(([code, dueMs]) => [code, nowMs - dueMs])), error })
    if (error) break
  }
  return { looks, longestMs }
}

describe('whatever happens in whatever order, and however late the rounds are', () => {
  test('a clock goes off after its time, when the round before had found one over too', () => {
    let wentOff = 0
    fc.assert(
      fc.property(timeline, (written) => {
        const { looks } = play(written)
        const last = looks.at(-1)
        if (!last?.error) return
        wentOff++
        expect(Object.keys(last.lateMs)).toContain(last.error)
        expect(looks.at(-2)?.lateMs).not.toEqual({})
      }),
      { numRuns: 2_000 },
    )
    expect(wentOff).toBeGreaterThan(500)
  })

  test('an attempt outlives no clock by more than three rounds', () => {
    fc.assert(
      fc.property(timeline, (written) => {
        const { looks, longestMs } = play(written)
        const latest = Math.max(0, ...looks.flatMap(({ lateMs }) => Object.values(lateMs)))
        expect(latest).toBeLessThanOrEqual(3 * longestMs)
      }),
      { numRuns: 2_000 },
    )
  })
})
