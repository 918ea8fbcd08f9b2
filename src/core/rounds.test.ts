import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type OnRounds, Rounds, roundMs } from './rounds.ts'

/** Something that runs and notes when it was looked at. */
class Runner implements OnRounds {
  place = -1
  readonly looks: number[] = []
  private readonly onLook: () => void

  constructor(onLook: () => void = () => undefined) {
    this.onLook = onLook
  }

  look(nowMs: number): void {
    this.looks.push(nowMs)
    this.onLook()
  }
}

describe('in rounds', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('everything that runs is looked at, with the time', () => {
    const rounds = new Rounds()
    const [one, two] = [new Runner(), new Runner()]
    const startMs = performance.now()
    rounds.add(one)
    vi.advanceTimersByTime(2 * roundMs)
    rounds.add(two)
    vi.advanceTimersByTime(roundMs)
    expect(one.looks).toEqual([1, 2, 3].map((round) => startMs + round * roundMs))
    expect(two.looks).toEqual([startMs + 3 * roundMs])
  })

  test('nothing is looked at when it comes, or after it went', () => {
    const rounds = new Rounds()
    const [one, two] = [new Runner(), new Runner()]
    rounds.add(one)
    rounds.add(two)
    rounds.remove(one)
    rounds.remove(one)
    vi.advanceTimersByTime(roundMs)
    expect([one.looks.length, two.looks.length]).toEqual([0, 1])
  })

  test('nobody goes when nothing runs, and somebody again when something does', () => {
    const rounds = new Rounds()
    const [one, two] = [new Runner(), new Runner()]
    rounds.add(one)
    vi.advanceTimersByTime(roundMs)
    rounds.remove(one)
    vi.advanceTimersByTime(roundMs)
    expect(vi.getTimerCount()).toBe(0)
    rounds.add(two)
    vi.advanceTimersByTime(roundMs)
    expect([one.looks.length, two.looks.length]).toEqual([1, 1])
  })

  test('what ends when it is looked at keeps nobody else from being looked at', () => {
    const rounds = new Rounds()
    const runners: Runner[] = []
    const ending = new Runner(() => rounds.remove(ending))
    for (const one of [new Runner(), ending, new Runner()]) {
      runners.push(one)
      rounds.add(one)
    }
    vi.advanceTimersByTime(2 * roundMs)
    expect(runners.map(({ looks }) => looks.length)).toEqual([2, 1, 2])
  })

  test('what ends another keeps nobody else from being looked at', () => {
    for (const ended of [0, 1, 2, 3]) {
      const rounds = new Rounds()
      const runners = [0, 1, 2, 3, 4].map(() => new Runner())
      const ending = new Runner(() => rounds.remove(runners[ended] as Runner))
      for (const one of [...runners.slice(0, 2), ending, ...runners.slice(2)]) rounds.add(one)
      vi.advanceTimersByTime(roundMs)
      const times = new Set(runners.flatMap(({ looks }) => looks))
      expect(times.size).toBe(1)
      expect(runners.filter(({ looks }, index) => index !== ended && looks.length === 0)).toEqual([])
    }
  })

  test('what begins when another is looked at is looked at from the next one on', () => {
    const rounds = new Rounds()
    const late = new Runner()
    const first = new Runner(() => {
      if (late.place < 0) rounds.add(late)
    })
    rounds.add(first)
    vi.advanceTimersByTime(2 * roundMs)
    expect([first.looks.length, late.looks.length]).toEqual([2, 1])
  })
})

test('what still runs is cut, where it can be', () => {
  const rounds = new Rounds()
  const cut: string[] = []
  const runner = (name: string): OnRounds => {
    const one: OnRounds = {
      place: -1,
      look: () => undefined,
      cut() {
        cut.push(name)
        rounds.remove(one)
      },
    }
    return one
  }
  const gone = runner('gone')
  for (const one of [runner('a'), new Runner(), gone, runner('b')]) rounds.add(one)
  rounds.remove(gone)
  rounds.cut()
  rounds.cut()
  expect(cut.toSorted()).toEqual(['a', 'b'])
})

test('the rounds keep no process alive', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const rounds = new Rounds()
  const one = new Runner()
  rounds.add(one)
  expect(timers()).toBe(before)
  rounds.remove(one)
})
