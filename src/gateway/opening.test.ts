import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import { Opening } from './opening.ts'

const cut = new GatewayError('upstream_cut', 'It broke.')
const kB = 1024

/** An answer held back by hand, and everything that happens to it, in order. */
class Stage {
  readonly happened: string[] = []
  mayBegin = false
  /** What else is done when it is asked whether it may begin. */
  look: () => void = () => undefined
  readonly opening: Opening
  private sink: Sink | undefined

  constructor(mostHeld = 10) {
    const { happened } = this
    const source: Source = {
      to: (sink) => {
        this.sink = sink
      },
      resume: () => happened.push('resume'),
      cancel: () => happened.push('cancel'),
    }
    this.opening = new Opening(source, mostHeld, {
      mayBegin: () => {
        this.look()
        return this.mayBegin
      },
      begins: () => happened.push('begins'),
      ended: (bytes) => happened.push(`ended: ${bytes}`),
      failed: ({ code }) => happened.push(`failed: ${code}`),
    })
    this.opening.start()
  }

  /** What the provider sends; whether it may send more. */
  give(text: string): boolean {
    return (this.sink as Sink).write(Buffer.from(text))
  }

  end(): void {
    this.sink?.end()
  }

  fail(): void {
    this.sink?.fail(cut)
  }

  /** A client who takes what comes, or none of it yet. */
  read(takes: (text: string) => boolean = () => true): void {
    const { happened } = this
    this.opening.to({
      write(chunk) {
        const text = chunk.toString()
        happened.push(text.length > 40 ? `${chunk.length} bytes` : text)
        return takes(text)
      },
      end: () => happened.push('end'),
      fail: ({ code }) => happened.push(`fail: ${code}`),
    })
  }

  drain(most = 10): void {
    this.opening.drain(most, () => this.happened.push('too much'))
  }
}

/** An answer of which the first byte has come, and that is held back no longer. */
function begun(): Stage {
  const stage = new Stage()
  stage.give('-')
  stage.opening.letGo()
  return stage
}

describe('an answer that is held back', () => {
  test('and ends is told as one', () => {
    const stage = new Stage()
    expect(stage.give('a')).toBe(true)
    stage.give('b')
    expect(stage.happened).toEqual([])
    stage.end()
    expect(stage.happened).toEqual(['ended: ab'])
  })

  test('and ends at once is told as nothing', () => {
    const stage = new Stage()
    stage.end()
    expect(stage.happened).toEqual(['ended: '])
  })

  test('and fails is told as a failure, and none of it goes on', () => {
    const stage = new Stage()
    stage.give('a')
    stage.fail()
    stage.opening.letGo()
    expect(stage.happened).toEqual(['failed: upstream_cut'])
  })

  test('and fails as it is looked at is no beginning, however much there is of it', () => {
    const stage = new Stage()
    stage.look = () => stage.fail()
    stage.give('x'.repeat(11))
    expect(stage.happened).toEqual(['failed: upstream_cut'])
  })

  test('and ended is not let go any more', () => {
    const stage = new Stage()
    stage.give('a')
    stage.end()
    stage.opening.letGo()
    expect(stage.happened).toEqual(['ended: a'])
  })

  test('begins when it may, with what was held first', () => {
    const stage = new Stage()
    stage.give('a')
    stage.mayBegin = true
    stage.give('b')
    stage.give('c')
    stage.read()
    stage.give('d')
    stage.end()
    expect(stage.happened).toEqual(['begins', 'abc', 'resume', 'd', 'end'])
  })

  test('begins when there is more of it than may be held', () => {
    const stage = new Stage()
    stage.give('x'.repeat(10))
    expect(stage.happened).toEqual([])
    stage.give('x')
    expect(stage.happened).toEqual(['begins'])
  })

  test('begins when it is let go, once', () => {
    const stage = new Stage()
    stage.give('a')
    stage.opening.letGo()
    stage.opening.letGo()
    stage.read()
    stage.give('b')
    expect(stage.happened).toEqual(['begins', 'a', 'resume', 'b'])
  })

  test('does not begin when it is let go and nothing of it has come', () => {
    const stage = new Stage()
    stage.opening.letGo()
    stage.fail()
    expect(stage.happened).toEqual(['failed: upstream_cut'])
  })

  test('is one chunk, the very same, where one came', () => {
    const stage = new Stage()
    const chunk = Buffer.from('a')
    const got: Buffer[] = []
    stage.opening.write(chunk)
    stage.opening.letGo()
    stage.opening.to({ write: (piece) => got.push(piece) > 0, end: () => undefined, fail: () => undefined })
    expect(got[0]).toBe(chunk)
  })
})

describe('an answer that has begun', () => {
  test.each<[how: string, over: (stage: Stage) => void, last: string]>([
    ['ends', (stage) => stage.end(), 'end'],
    ['fails', (stage) => stage.fail(), 'fail: upstream_cut'],
  ])('and %s before its reader comes is complete for it', (_how, over, last) => {
    const stage = new Stage()
    stage.give('a')
    stage.opening.letGo()
    over(stage)
    stage.read()
    expect(stage.happened).toEqual(['begins', 'a', 'resume', last])
  })

  test('fails where it stands', () => {
    const stage = begun()
    stage.read()
    stage.give('a')
    stage.fail()
    expect(stage.happened).toEqual(['begins', '-', 'resume', 'a', 'fail: upstream_cut'])
  })

  test('is cancelled at its source', () => {
    const stage = begun()
    stage.opening.cancel()
    expect(stage.happened).toEqual(['begins', 'cancel'])
  })
})

describe('the provider is held back', () => {
  test('beyond 64 kB before a reader comes, until it takes them', () => {
    const stage = begun()
    expect(stage.give('x'.repeat(64 * kB - 2))).toBe(true)
    expect(stage.give('x')).toBe(false)
    stage.read()
    expect(stage.happened).toEqual(['begins', `${64 * kB} bytes`, 'resume'])
  })

  test('and stays so when the reader who comes is full at once', () => {
    const stage = begun()
    stage.give('x'.repeat(64 * kB - 1))
    stage.read(() => false)
    expect(stage.happened).toEqual(['begins', `${64 * kB} bytes`])
    stage.opening.resume()
    expect(stage.happened.at(-1)).toBe('resume')
  })

  test('as long as its reader is full', () => {
    const stage = begun()
    stage.read((text) => text !== 'a')
    expect([stage.give('a'), stage.give('b')]).toEqual([false, true])
  })

  test('by nobody as long as the answer may still turn out to be none', () => {
    const stage = new Stage(256 * kB)
    for (let held = 0; held < 256; held += 32) expect(stage.give('x'.repeat(32 * kB))).toBe(true)
    expect(stage.happened).toEqual([])
  })
})

describe('an answer whose client has left', () => {
  test('is read to its end, which is told as a call given up', () => {
    const stage = new Stage()
    stage.give('a')
    stage.drain()
    expect(stage.give('b')).toBe(true)
    stage.end()
    expect(stage.happened).toEqual(['resume', 'failed: cancelled'])
  })

  test('is told of no further when it had begun', () => {
    const stage = begun()
    stage.read()
    stage.give('a')
    stage.drain()
    stage.give('b')
    stage.end()
    expect(stage.happened).toEqual(['begins', '-', 'resume', 'a', 'resume'])
  })

  test('may fail on the way', () => {
    const stage = new Stage()
    stage.drain()
    stage.fail()
    expect(stage.happened).toEqual(['resume', 'failed: cancelled'])
  })

  test('is not let go, and not cancelled by whoever finds the client gone', () => {
    const stage = new Stage()
    stage.drain()
    stage.mayBegin = true
    stage.give('a')
    stage.opening.letGo()
    stage.opening.cancel()
    expect(stage.happened).toEqual(['resume'])
  })

  test('is read on up to so many bytes', () => {
    const stage = new Stage()
    stage.give('x'.repeat(10))
    stage.drain(10)
    stage.give('x'.repeat(10))
    expect(stage.happened).toEqual(['resume'])
    stage.give('x')
    expect(stage.happened).toEqual(['resume', 'too much'])
  })

  test('and which was over before is told of once', () => {
    const stage = new Stage()
    stage.give('a')
    stage.end()
    stage.drain()
    expect(stage.happened.filter((what) => what !== 'resume')).toEqual(['ended: a'])
  })
})

const mostHeld = 100
const longest = 40_000
/** Bytes beside each other differ, so that each has its place. */
const alphabets = 'abcdefghijklmnopqrstuvwxyz'.repeat(longest / 26 + 2)

/** A provider that waits when it is told to, a client as slow as it likes, and whoever decides in between. */
class Play {
  /** What has been sent, what has arrived at the client, and what was told instead. */
  sent = ''
  received = ''
  ended: string | undefined
  readonly told: string[] = []
  /** How the client's reply ended, each time that it did. */
  readonly over: string[] = []
  heldMost = 0
  isDrained = false
  private readonly opening: Opening
  private sink: Sink | undefined
  private isPaused = false
  private isSent = false
  private isFull = false
  private isRead = false
  private mayBegin = false

  constructor(mostHeld: number) {
    const source: Source = {
      to: (sink) => {
        this.sink = sink
      },
      resume: () => {
        this.isPaused = false
      },
      cancel: () => undefined,
    }
    this.opening = new Opening(source, mostHeld, {
      mayBegin: () => this.mayBegin,
      begins: () => this.told.push('begins'),
      ended: (bytes) => {
        this.told.push('ended')
        this.ended = bytes.toString()
      },
      failed: ({ code }) => this.told.push(`failed ${code}`),
    })
    this.opening.start()
  }

  get waits(): boolean {
    return this.isPaused
  }

  write(size: number): void {
    if (this.isPaused || this.isSent) return
    const from = this.sent.length % 26
    const text = alphabets.slice(from, from + size)
    this.sent += text
    this.isPaused = !(this.sink as Sink).write(Buffer.from(text))
    if (!this.isDrained) this.heldMost = Math.max(this.heldMost, this.sent.length - this.received.length)
  }

  finish(how: 'end' | 'fail'): void {
    if (this.isSent) return
    this.isSent = true
    if (how === 'end') this.sink?.end()
    else this.sink?.fail(cut)
  }

  letBegin(): void {
    this.mayBegin = true
  }

  letGo(): void {
    this.opening.letGo()
  }

  /** The client's reply, which is only there when the answer has begun and somebody is left to have it. */
  read(): void {
    if (this.isRead || this.isDrained || !this.told.includes('begins')) return
    this.isRead = true
    this.opening.to({
      write: (chunk) => {
        this.received += chunk
        return !this.isFull
      },
      end: () => this.over.push('end'),
      fail: ({ code }) => this.over.push(code),
    })
  }

  full(): void {
    this.isFull = true
  }

  taken(): void {
    this.isFull = false
    if (this.isRead && !this.isDrained) this.opening.resume()
  }

  /** The client leaves: once, and not after it has had all. */
  leave(): void {
    if (this.isDrained || this.over.length > 0) return
    this.isDrained = true
    this.opening.drain(Number.MAX_SAFE_INTEGER, () => undefined)
  }
}

describe('in whatever order things happen', () => {
  const acts = {
    write: (play, size) => play.write(size),
    end: (play) => play.finish('end'),
    fail: (play) => play.finish('fail'),
    mayBegin: (play) => play.letBegin(),
    letGo: (play) => play.letGo(),
    read: (play) => play.read(),
    full: (play) => play.full(),
    taken: (play) => play.taken(),
    leave: (play) => play.leave(),
  } satisfies Record<string, (play: Play, size: number) => void>

  type Act = readonly [name: keyof typeof acts, size: number]
  const names = fc.constantFrom(...(Object.keys(acts) as Act[0][]), 'write', 'write', 'write', 'write')
  const sizes = fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 60 }) }, fc.nat({ max: longest }))
  const scripts: fc.Arbitrary<Act[]> = fc.array(fc.tuple(names, sizes), { maxLength: 40 })
  const ends = fc.constantFrom('end' as const, 'fail' as const)

  const played = (script: readonly Act[]): Play => {
    const play = new Play(mostHeld)
    for (const [name, size] of script) acts[name](play, size)
    return play
  }

  test('no byte is lost, doubled, or in another place', () => {
    fc.assert(
      fc.property(scripts, (script) => {
        const play = played(script)
        expect(play.sent.startsWith(play.received)).toBe(true)
        if (play.ended !== undefined) expect(play.ended).toBe(play.sent)
      }),
      { numRuns: 1_000 },
    )
  })

  test('everything arrives in the end, and it ends as its source did', () => {
    fc.assert(
      fc.property(scripts, ends, (script, how) => {
        const play = played(script)
        play.letGo()
        play.read()
        play.taken()
        expect(play.waits).toBe(false)
        play.finish(how)
        if (play.isDrained || !play.told.includes('begins')) return
        expect(play.received).toBe(play.sent)
        expect(play.over).toHaveLength(1)
      }),
      { numRuns: 1_000 },
    )
  })

  test('one thing is told of its beginning, and its reply ends at most once', () => {
    fc.assert(
      fc.property(scripts, ends, (script, how) => {
        const play = played(script)
        play.finish(how)
        for (const again of ['letGo', 'read', 'taken', 'leave', 'letGo'] as const) play[again]()
        expect(play.told).toHaveLength(1)
        expect(play.over.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 1_000 },
    )
  })

  test('little more is held than may be', () => {
    fc.assert(
      fc.property(scripts, (script) => {
        // Who is held back by a reader has read what was held; a chunk may come when all but a byte of the room is taken.
        const most = Math.max(mostHeld, 64 * kB) + longest
        expect(played(script).heldMost).toBeLessThanOrEqual(most)
      }),
      { numRuns: 500 },
    )
  })
})
