import { describe, expect, test } from 'vitest'
import type { Token, Tokens } from '../core/credential.ts'
import { type LiveToken, TokenFailure } from './cloud/token-source.ts'
import { TokenKeeper, type Wanted } from './token-keeper.ts'

const minute = 60_000
const hour = 60 * minute

/** Two clocks and a source, all moved by the test. */
function keeping(life = hour) {
  const time = { wall: Date.UTC(2026, 0, 1), steady: 0 }
  let timers: { readonly at: number; readonly run: () => void }[] = []
  const asked: string[] = []
  const told: Tokens[] = []
  let answer = (): Promise<LiveToken> =>
    Promise.resolve({
      kind: 'bearer',
      token: `token-${asked.length}`,
      expiresMs: time.wall + life,
    })
  const keeper = new TokenKeeper({
    nowMs: () => time.wall,
    onTokens: (tokens) => told.push(tokens),
    random: () => 1,
    clock: {
      steadyMs: () => time.steady,
      after(ms, run) {
        const timer = { at: time.steady + ms, run }
        timers.push(timer)
        return () => {
          timers = timers.filter((one) => one !== timer)
        }
      },
    },
    sources: ({ fields }) => ({
      fetch: () => {
        asked.push(fields.name ?? '')
        return answer()
      },
    }),
  })
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    keeper,
    told,
    asked,
    time,
    settle,
    timers: () => timers.length,
    answerWith: (next: () => Promise<LiveToken>) => {
      answer = next
    },
    fail: (reason = 'Refused.') => {
      answer = () => Promise.reject(new TokenFailure(reason))
    },
    /** Lets time pass on both clocks, timer by timer. */
    async pass(ms: number) {
      const until = time.steady + ms
      for (;;) {
        await settle()
        const [next] = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)
        if (!next) break
        timers = timers.filter((one) => one !== next)
        time.wall += next.at - time.steady
        time.steady = next.at
        next.run()
      }
      time.wall += until - time.steady
      time.steady = until
      await settle()
    },
    last: () => told.at(-1),
  }
}

const wanted = (id: string, name = id): Wanted => ({
  id,
  provider: 'vertex',
  credential: { kind: 'google_adc', fields: { name } },
})

const textOf = (token: Token | undefined): string | undefined =>
  token?.kind === 'bearer' ? token.token : token?.kind === 'failed' ? token.reason : token?.accessKeyId

describe('a kept token', () => {
  test('is there before anybody asks for it', async () => {
    const { keeper, last, settle } = keeping()
    keeper.keep([wanted('a')])
    await settle()
    expect(last()).toMatchObject({ a: { kind: 'bearer', token: 'token-1' } })
  })

  test.each([
    ['an hour', hour, 48 * minute],
    ['ten minutes', 10 * minute, 5 * minute],
    ['four minutes', 4 * minute, 2 * minute],
    ['half a day, whose end may be a mistake', 12 * hour, hour],
  ])('that is good for %s is renewed in time', async (_name, life, dueMs) => {
    const { keeper, asked, pass, last } = keeping(life)
    keeper.keep([wanted('a')])
    await pass(dueMs - 1)
    expect(asked).toHaveLength(1)
    await pass(1)
    expect(asked).toHaveLength(2)
    expect(textOf(last()?.a)).toBe('token-2')
  })

  test('that lives for a moment only is not asked for without pause', async () => {
    const { keeper, asked, pass } = keeping(100)
    keeper.keep([wanted('a')])
    await pass(minute)
    expect(asked.length).toBeLessThanOrEqual(21)
  })

  test('that lives for a moment only is there for whoever asks', async () => {
    const { keeper, pass, time } = keeping(100)
    keeper.keep([wanted('a')])
    await pass(200)
    expect(await keeper.get('a')).toMatchObject({ kind: 'bearer', expiresMs: time.wall + 100 })
  })

  test('is fetched once for fifty who ask at the same time', async () => {
    const { keeper, asked } = keeping()
    keeper.keep([wanted('a')])
    const all = await Promise.all(Array.from({ length: 50 }, () => keeper.get('a')))
    expect(new Set(all.map(textOf))).toEqual(new Set(['token-1']))
    expect(asked).toHaveLength(1)
  })

  test('is used to its end when it cannot be renewed, and is renewed as soon as that works again', async () => {
    const { keeper, pass, fail, answerWith, last, time, told } = keeping()
    keeper.keep([wanted('a')])
    await pass(minute)
    fail('Down.')
    await pass(58 * minute)
    expect(textOf(await keeper.get('a'))).toBe('token-1')
    expect(told).toHaveLength(1)
    await pass(minute)
    expect(last()).toEqual({ a: { kind: 'failed', reason: 'Down.' } })
    expect(textOf(await keeper.get('a'))).toBe('Down.')
    answerWith(() => Promise.resolve({ kind: 'bearer', token: 'again', expiresMs: time.wall + hour }))
    await pass(minute)
    expect(textOf(last()?.a)).toBe('again')
  })

  test('is tried for less and less often while it fails, but once a minute at least', async () => {
    const { keeper, asked, pass, fail } = keeping()
    fail()
    keeper.keep([wanted('a')])
    await pass(1_000)
    expect(asked).toHaveLength(2)
    await pass(2_000)
    expect(asked).toHaveLength(3)
    await pass(hour)
    expect(asked.length).toBeGreaterThanOrEqual(60)
    expect(asked.length).toBeLessThan(70)
  })

  test('that fails is not tried for by everybody who asks', async () => {
    const { keeper, asked, fail, settle } = keeping()
    fail('No.')
    keeper.keep([wanted('a')])
    await settle()
    for (let count = 0; count < 50; count++) expect(await keeper.get('a')).toEqual({ kind: 'failed', reason: 'No.' })
    expect(asked).toHaveLength(1)
  })

  test('that does not come in time is a failure', async () => {
    const { keeper, pass, answerWith, last } = keeping()
    answerWith(() => new Promise(() => undefined))
    keeper.keep([wanted('a')])
    await pass(minute)
    expect(textOf(last()?.a)).toBe('It took too long to get a token.')
  })

  test('does not repeat what a library says in its errors', async () => {
    const { keeper, settle, answerWith, last } = keeping()
    answerWith(() => Promise.reject(new Error('sk-canary')))
    keeper.keep([wanted('a')])
    await settle()
    expect(JSON.stringify(last())).not.toContain('canary')
  })

  test('is renewed at once when the clock of the machine is set hours ahead, and only once', async () => {
    const { keeper, time, pass, asked, last } = keeping()
    keeper.keep([wanted('a')])
    await pass(minute)
    time.wall += 5 * hour
    await pass(minute)
    expect(asked).toHaveLength(2)
    expect(last()?.a).toMatchObject({ token: 'token-2' })
    await pass(10 * minute)
    expect(asked).toHaveLength(2)
  })

  test('is renewed in time when the clock of the machine is set back by hours', async () => {
    const { keeper, time, pass, asked } = keeping()
    keeper.keep([wanted('a')])
    await pass(minute)
    time.wall -= 5 * hour
    await pass(46 * minute)
    expect(asked).toHaveLength(1)
    await pass(minute)
    expect(asked).toHaveLength(2)
  })

  test('has ended when the machine has slept over its end', async () => {
    const { keeper, time, pass, asked } = keeping()
    keeper.keep([wanted('a')])
    await pass(minute)
    time.wall += 2 * hour
    expect(textOf(await keeper.get('a'))).toBe('token-2')
    expect(asked).toHaveLength(2)
  })

  test('that comes again unchanged is no news', async () => {
    const { keeper, pass, answerWith, asked, told } = keeping()
    answerWith(() => Promise.resolve({ kind: 'aws', accessKeyId: 'AKIA', secretAccessKey: 's' }))
    keeper.keep([wanted('a')])
    await pass(5 * hour)
    expect(asked).toHaveLength(6)
    expect(told).toHaveLength(1)
  })
})

describe('the keeper', () => {
  test('leaves unchanged credentials their tokens, and drops the others at once', async () => {
    const { keeper, settle, last, asked } = keeping()
    keeper.keep([wanted('a'), wanted('b'), wanted('c')])
    await settle()
    keeper.keep([wanted('a'), wanted('b', 'other')])
    expect(Object.keys(last() ?? {})).toEqual(['a'])
    await settle()
    expect(asked).toEqual(['a', 'b', 'c', 'other'])
    expect(Object.keys(last() ?? {})).toEqual(['a', 'b'])
    expect(await keeper.get('c')).toMatchObject({ kind: 'failed' })
  })

  test('forgets what comes for a credential that is gone meanwhile', async () => {
    const { keeper, settle, told, answerWith } = keeping()
    let come: (token: LiveToken) => void = () => undefined
    answerWith(
      () =>
        new Promise((resolve) => {
          come = resolve
        }),
    )
    keeper.keep([wanted('a')])
    const asking = keeper.get('a')
    keeper.keep([])
    come({ kind: 'aws', accessKeyId: 'AKIA', secretAccessKey: 's' })
    await settle()
    expect(told).toEqual([])
    expect(await asking).toMatchObject({ kind: 'failed' })
  })

  test('leaves no timer behind when it is closed', async () => {
    const { keeper, settle, timers, pass, asked } = keeping()
    keeper.keep([wanted('a'), wanted('b')])
    await settle()
    keeper.close()
    expect(timers()).toBe(0)
    await pass(hour)
    expect(asked).toHaveLength(2)
  })
})
