import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Condition, Message, Port } from '../core/border.ts'
import { type Running, Supervised, type SupervisedOptions } from './supervisor.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A part that does nothing by itself: the test says what it says, and when it dies. */
interface Puppet extends Running {
  readonly heard: Message[]
  say(value: Condition): void
  die(reason?: string): void
  ended: boolean
}

function puppet(): Puppet {
  const heard: Message[] = []
  let hear: (message: Message) => void = () => undefined
  let gone: (reason: string) => void = () => undefined
  const port: Port = {
    postMessage: (message) => void heard.push(message),
    on: (_event, listener) => {
      hear = listener
    },
    close: () => undefined,
  }
  const one: Puppet = {
    port,
    heard,
    ended: false,
    onGone: (listener) => {
      gone = listener
    },
    async end() {
      one.ended = true
      gone('it was ended')
    },
    say: (value) => hear({ kind: 'snapshot', part: 'condition', version: 0, value }),
    die: (reason = 'it crashed') => gone(reason),
  }
  return one
}

function supervise(options: Partial<SupervisedOptions> = {}) {
  const born: Puppet[] = []
  const gone: string[] = []
  const part = new Supervised({
    name: 'reader',
    spawn: () => {
      const one = puppet()
      born.push(one)
      return one
    },
    handlers: {},
    onBorn: () => undefined,
    onCondition: () => undefined,
    onGone: (reason) => void gone.push(reason),
    ...options,
  })
  part.start()
  return { part, born, gone, last: (): Puppet => born.at(-1) as Puppet }
}

const ready: Condition = { phase: 'ready', problems: [] }

test('a part that dies is born again after a tenth of a second, and twice as long each time up to five seconds', () => {
  const { born, last } = supervise()
  for (const [index, pauseMs] of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].entries()) {
    last().die()
    vi.advanceTimersByTime(pauseMs - 1)
    expect(born).toHaveLength(index + 1)
    vi.advanceTimersByTime(1)
    expect(born).toHaveLength(index + 2)
  }
})

test('one that has lived for a while begins with short pauses again', () => {
  const { born, last } = supervise()
  for (const pauseMs of [100, 200, 400]) {
    last().die()
    vi.advanceTimersByTime(pauseMs)
  }
  vi.advanceTimersByTime(10_001)
  last().die()
  vi.advanceTimersByTime(100)
  expect(born).toHaveLength(5)
})

test('it is known to be away until the new one says that it is ready', () => {
  const { part, last, gone } = supervise()
  expect(part.problems).toEqual([])
  last().say(ready)
  expect([part.condition, part.problems]).toEqual([ready, []])
  last().die('out of memory')
  expect(gone).toEqual(['out of memory'])
  const away = ['The reader stopped unexpectedly and is being restarted.']
  expect([part.condition, part.link, part.problems]).toEqual([undefined, undefined, away])
  vi.advanceTimersByTime(100)
  expect(part.link).toBeDefined()
  expect(part.problems).toEqual(away)
  last().say({ phase: 'ready', problems: ['It is slow.'] })
  expect(part.problems).toEqual(['It is slow.'])
})

test('each time that it is born it is told what it must know', () => {
  const tell = { kind: 'snapshot', part: 'projects', version: 0, value: [] } as const
  const { last, born } = supervise({ onBorn: (link) => link.post(tell) })
  last().die()
  vi.advanceTimersByTime(100)
  expect(born.map(({ heard }) => heard)).toEqual([[tell], [tell]])
})

test('one that could not begin is ended and tried again', () => {
  const { part, last, born } = supervise()
  last().say({ phase: 'failed', problems: ['The folder is locked.'] })
  part.restart()
  expect(last().ended).toBe(true)
  vi.advanceTimersByTime(100)
  expect(born).toHaveLength(2)
  // Why it could not is known until it can.
  expect(part.problems).toEqual(['The folder is locked.'])
  last().say(ready)
  expect(part.problems).toEqual([])
})

test('to stop it is to let it finish and then to end it', async () => {
  const { part, last, born } = supervise()
  last().say(ready)
  const stopping = part.stop(5_000)
  expect(last().heard).toEqual([{ kind: 'command', command: 'stop' }])
  expect(last().ended).toBe(false)
  last().say({ phase: 'stopped', problems: [] })
  await stopping
  expect(last().ended).toBe(true)
  vi.advanceTimersByTime(60_000)
  expect(born).toHaveLength(1)
})

test('one that does not finish is ended when the patience is over', async () => {
  const { part, last } = supervise()
  const stopping = part.stop(5_000)
  await vi.advanceTimersByTimeAsync(4_999)
  expect(last().ended).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await stopping
  expect(last().ended).toBe(true)
})

test('one that dies while it is to finish is not waited for', async () => {
  const { part, last, gone, born } = supervise()
  const stopping = part.stop(5_000)
  last().die()
  await stopping
  expect(vi.getTimerCount()).toBe(0)
  expect([gone, born.length]).toEqual([[], 1])
})

test('one that is dead when it is to stop is left so', async () => {
  const { part, last, born } = supervise()
  last().die()
  await part.stop(5_000)
  vi.advanceTimersByTime(60_000)
  expect(born).toHaveLength(1)
})
