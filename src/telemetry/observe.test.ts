import { describe, expect, test } from 'vitest'
import { attemptStart, type Recorded, recorder } from '../../test/support/recorder.ts'
import type { AnswerWatch } from '../core/answer.ts'
import { GatewayError } from '../core/error.ts'
import type { Sink } from '../core/source.ts'
import type { AttemptRecord, CallRecord } from '../core/span.ts'
import { openaiChat } from '../dialects/openai-chat/openai-chat.ts'
import { observe } from './observe.ts'

const cut = new GatewayError('upstream_cut', 'It broke.')
const left = new GatewayError('cancelled', 'The client left.')

const event = (data: object | string): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const role = event({ model: 'm', choices: [{ delta: { role: 'assistant' } }] })
const hello = event({ model: 'm', choices: [{ delta: { content: 'Hello' } }] })
const finish = event({ model: 'm', choices: [{ delta: {}, finish_reason: 'stop' }] })
const usage = event({ model: 'm', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })
const done = event('[DONE]')
const whole = JSON.stringify({
  model: 'm',
  choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
})

interface StageOptions {
  readonly streaming?: boolean
  readonly watch?: AnswerWatch
}

/** An answer given by hand, its reader, and everything that happens to it, in order. */
class Stage {
  readonly happened: string[] = []
  /** Whether the reader takes more. */
  takes = true
  isLeft = false
  hasAll = false
  private readonly recording = recorder()
  private readonly call = this.recording.begin()
  private readonly trace = this.call.attempt(attemptStart)
  private sink: Sink | undefined
  private readonly answer

  constructor({ streaming = true, watch = openaiChat.watchAnswer(streaming) }: StageOptions = {}) {
    const { happened, trace } = this
    const stage = this
    this.answer = observe(
      {
        to: (sink) => {
          this.sink = sink
        },
        resume: () => happened.push('resume'),
        cancel: () => happened.push('cancel'),
      },
      {
        streaming,
        trace,
        watch,
        pulse: {
          get isLeft() {
            return stage.isLeft
          },
          get hasAll() {
            return stage.hasAll
          },
          heard: () => happened.push('heard'),
          content: () => happened.push('content'),
          paused: (isPaused) => happened.push(isPaused ? 'paused' : 'not paused'),
          over: () => happened.push('over'),
        },
      },
    )
    this.answer.to({
      write: (chunk) => {
        happened.push(`to client: ${chunk}`)
        return this.takes
      },
      end: () => happened.push('end'),
      fail: ({ code }) => happened.push(`fail: ${code}`),
    })
  }

  give(...texts: string[]): boolean[] {
    return texts.map((text) => (this.sink as Sink).write(Buffer.from(text)))
  }

  end(): void {
    this.sink?.end()
  }

  fail(error = cut): void {
    this.sink?.fail(error)
  }

  resume(): void {
    this.answer.resume()
  }

  cancel(): void {
    this.answer.cancel()
  }

  records(): readonly Recorded[] {
    return this.recording.records()
  }

  /** What is recorded of the attempt: its span's status, and what is particular to it. */
  recorded(): { status: string } & AttemptRecord['detail'] {
    const [attempt] = this.records().filter((record): record is Recorded & AttemptRecord => record.kind === 'attempt')
    if (!attempt) throw new Error('The attempt is not recorded.')
    return { ...attempt.detail, status: attempt.span.status }
  }

  /** The status of the call, whose client did not wait for its end. */
  statusOfCall(): string | undefined {
    this.call.end({ status: 200, bytes: 100, gone: true })
    const [call] = this.records().filter((record): record is Recorded & CallRecord => record.kind === 'call')
    return call?.span.status
  }
}

describe('an answer on its way', () => {
  test('reaches its reader as it came, and is recorded', () => {
    const stage = new Stage()
    expect(stage.give(role, hello)).toEqual([true, true])
    stage.end()
    expect(stage.happened.filter((what) => what.startsWith('to client'))).toEqual([
      `to client: ${role}`,
      `to client: ${hello}`,
    ])
    expect(stage.records()[0]).toMatchObject({ kind: 'body', slot: 1, text: role + hello })
  })

  test('is heard at every chunk, and has content once, before its reader has it', () => {
    const stage = new Stage()
    stage.give(': wait\n\n', role, hello, hello)
    expect(stage.happened.map((what) => what.split(':')[0])).toEqual([
      ...['heard', 'to client', 'heard', 'to client'],
      ...['heard', 'content', 'to client', 'heard', 'to client'],
    ])
  })

  test('that its reader does not take is known to be held up by it', () => {
    const stage = new Stage()
    stage.takes = false
    expect(stage.give(hello)).toEqual([false])
    expect(stage.happened.at(-1)).toBe('paused')
    stage.resume()
    expect(stage.happened.slice(-2)).toEqual(['not paused', 'resume'])
  })

  test('ends in the records before it ends for its reader', () => {
    const stage = new Stage()
    stage.give(hello)
    stage.happened.length = 0
    stage.end()
    expect(stage.happened).toEqual(['over', 'end'])
    expect(stage.records().at(-1)?.kind).toBe('attempt')
  })

  test('is cancelled at its source', () => {
    const stage = new Stage()
    stage.cancel()
    expect(stage.happened).toEqual(['cancel'])
  })
})

describe('a stream is recorded', () => {
  const known = { finishReason: 'stop', modelAnswered: 'm', usage: { inputUncached: 3, outputText: 2 } }

  test('with what it said of itself', () => {
    const stage = new Stage()
    stage.give(role, hello, finish, usage, done)
    stage.end()
    const recorded = stage.recorded()
    expect(recorded).toMatchObject({
      status: 'ok',
      ...known,
      usageReported: { prompt_tokens: 3, completion_tokens: 2 },
    })
    expect(recorded.firstContentUs).toBeGreaterThan(0)
    expect([recorded.unterminated, recorded.usageMissing, recorded.error]).toEqual([undefined, undefined, undefined])
  })

  test('as unterminated when it ends well and never said why', () => {
    const stage = new Stage()
    stage.give(hello)
    stage.end()
    expect(stage.recorded()).toMatchObject({ status: 'ok', unterminated: true, usageMissing: 'not reported' })
  })

  test('as broken off when it does, with what it had used until then', () => {
    const stage = new Stage()
    stage.give(hello, usage)
    stage.fail()
    expect(stage.happened.at(-1)).toBe('fail: upstream_cut')
    const recorded = stage.recorded()
    expect(recorded).toMatchObject({ status: 'error', error: { code: 'upstream_cut' }, usage: known.usage })
    expect(recorded.unterminated).toBeUndefined()
  })

  test('as broken off before it began, and not as an answer that says nothing', () => {
    const stage = new Stage()
    stage.give(': wait\n\n')
    stage.fail()
    expect(stage.recorded()).toMatchObject({ status: 'error', error: { code: 'upstream_cut' }, usageMissing: 'failed' })
  })

  test('as an answer that says nothing when it ended before it began', () => {
    const stage = new Stage()
    stage.give(': wait\n\n')
    stage.end()
    expect(stage.recorded()).toMatchObject({ status: 'error', error: { code: 'upstream_invalid' } })
  })

  test('as complete when it breaks after its end mark, and ends for its reader', () => {
    const stage = new Stage()
    stage.give(hello, finish, done)
    stage.fail()
    expect(stage.happened.at(-1)).toBe('end')
    expect(stage.recorded()).toMatchObject({ status: 'ok', finishReason: 'stop' })
  })

  test("as failed in the provider's words when it is an error, however it ends", () => {
    for (const over of ['end', 'fail'] as const) {
      const stage = new Stage()
      stage.give(hello, event({ error: { message: 'Slow down.', code: 'rate_limit_exceeded' } }))
      stage[over]()
      expect(stage.recorded()).toMatchObject({
        status: 'error',
        error: { code: 'rate_limit_exceeded', message: 'Slow down.' },
      })
    }
  })

  test('as failed when the provider itself calls its error "cancelled"', () => {
    const stage = new Stage()
    stage.give(hello, event({ error: { message: 'The request was cancelled.', code: 'cancelled' } }))
    stage.end()
    expect(stage.recorded()).toMatchObject({ status: 'error', error: { code: 'cancelled' }, usageMissing: 'failed' })
  })

  test('as failed when its client hangs up at an error', () => {
    const stage = new Stage()
    stage.give(hello, event({ error: { message: 'Slow down.', code: 'rate_limit_exceeded' } }))
    stage.fail(left)
    expect(stage.recorded()).toMatchObject({ status: 'error', error: { code: 'rate_limit_exceeded' } })
  })
})

describe('an answer whose client has left is recorded', () => {
  test.each([
    ['a stream before anything came', true, []],
    ['a stream before it began', true, [': wait\n\n']],
    ['a stream in the middle', true, [role, hello]],
    ['a stream within an event', true, [role, hello.slice(0, 20)]],
    ['a whole answer before anything came', false, []],
    ['a whole answer in the middle', false, [whole.slice(0, 40)]],
  ])('as cancelled: %s', (_what, streaming, texts) => {
    const stage = new Stage({ streaming })
    stage.give(...texts)
    stage.fail(left)
    expect(stage.happened.at(-1)).toBe('fail: cancelled')
    expect(stage.recorded()).toMatchObject({
      status: 'cancelled',
      error: { code: 'cancelled' },
      usageMissing: 'cancelled',
    })
  })

  test.each([
    ['a stream', true, [role, hello, finish, usage, done]],
    ['a whole answer', false, [whole]],
  ])('as cancelled with what it used when it is read on to its end: %s', (_what, streaming, texts) => {
    const stage = new Stage({ streaming })
    stage.isLeft = true
    stage.give(...texts)
    stage.end()
    const recorded = stage.recorded()
    expect(recorded).toMatchObject({
      status: 'cancelled',
      finishReason: 'stop',
      usage: { inputUncached: 3, outputText: 2 },
    })
    expect([recorded.error, recorded.usageMissing]).toEqual([undefined, undefined])
  })

  test('as cancelled when it is read on and has no usage', () => {
    const stage = new Stage()
    stage.isLeft = true
    stage.give(hello, finish)
    stage.end()
    expect(stage.recorded()).toMatchObject({ status: 'cancelled', usageMissing: 'cancelled' })
  })

  test('as failed when what is read on is an error', () => {
    const stage = new Stage()
    stage.isLeft = true
    stage.give(hello, event({ error: { message: 'No', code: 'c' } }))
    stage.end()
    expect(stage.recorded()).toMatchObject({ status: 'error', error: { code: 'c' } })
  })
})

describe('a call whose client hangs up', () => {
  test.each(['end', 'fail'] as const)('at the end mark has had its answer: %s', (over) => {
    const stage = new Stage()
    stage.give(hello, finish, done)
    stage.hasAll = true
    stage[over]()
    expect(stage.statusOfCall()).toBe('ok')
  })

  test.each(['end', 'fail'] as const)('before an end mark that still comes is cancelled: %s', (over) => {
    const stage = new Stage()
    stage.give(hello)
    stage.isLeft = true
    stage.give(finish, done)
    stage[over]()
    expect(stage.statusOfCall()).toBe('cancelled')
  })
})

describe('a whole answer is recorded', () => {
  test('with what it said of itself', () => {
    const stage = new Stage({ streaming: false })
    stage.give(whole.slice(0, 30), whole.slice(30))
    stage.end()
    expect(stage.recorded()).toMatchObject({ status: 'ok', finishReason: 'stop', usage: { inputUncached: 3 } })
  })

  test('as broken off when it does', () => {
    const stage = new Stage({ streaming: false })
    stage.give(whole.slice(0, 30))
    stage.fail()
    expect(stage.recorded()).toMatchObject({ status: 'error', error: { code: 'upstream_cut' } })
  })

  test('as none when it is not one', () => {
    const stage = new Stage({ streaming: false })
    stage.give('<html>')
    stage.end()
    expect(stage.recorded()).toMatchObject({ status: 'error', error: { code: 'upstream_invalid' } })
  })
})

describe('whoever looks at an answer and cannot', () => {
  const broken = (fails: 'next' | 'end'): AnswerWatch => {
    const fail = (): never => {
      throw new Error('Whatever a provider can write.')
    }
    return {
      hasBegun: true,
      hasContent: false,
      refusal: undefined,
      isDone: false,
      next: fails === 'next' ? fail : () => undefined,
      end: fail,
    }
  }

  test.each(['next', 'end'] as const)('costs no client its answer: at its %s', (fails) => {
    const stage = new Stage({ watch: broken(fails) })
    stage.give(hello, finish)
    stage.end()
    expect(stage.happened.filter((what) => what !== 'heard')).toEqual([
      `to client: ${hello}`,
      `to client: ${finish}`,
      'over',
      'end',
    ])
    expect(stage.records().find(({ kind }) => kind === 'attempt')).toMatchObject({
      span: { status: 'ok', unread: true },
    })
  })
})
