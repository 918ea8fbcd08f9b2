import { describe, expect, test } from 'vitest'
import { GatewayError } from '../core/error.ts'
import type { Sink } from '../core/source.ts'
import { gather, Incoming } from './incoming.ts'
import { stepped } from './stepped.ts'

/** An upstream whose answer the test gives by hand, and everything that happens to it, in order. */
function upstream(): { incoming: Incoming; happened: string[]; give: (text: string) => void } {
  const happened: string[] = []
  const incoming = new Incoming({
    connected: () => happened.push('connected'),
    head: (status) => happened.push(`head ${status}`),
    failed: (error) => happened.push(`failed ${error.code}`),
  })
  incoming.started({
    pause: () => happened.push('pause'),
    resume: () => happened.push('resume'),
    abort: () => happened.push('abort'),
  })
  return { incoming, happened, give: (text) => incoming.data(Buffer.from(text)) }
}

function begun(): ReturnType<typeof upstream> {
  const begins = upstream()
  begins.incoming.head(200, {})
  begins.happened.length = 0
  return begins
}

const reader = (happened: string[], takes: (text: string) => boolean = () => true): Sink => ({
  write(chunk) {
    const text = chunk.toString()
    happened.push(text.length > 40 ? `${chunk.length} bytes` : text)
    return takes(text)
  },
  end: () => happened.push('end'),
  fail: (error) => happened.push(`fail ${error.code}`),
})

/** The next turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const cut = new GatewayError('upstream_cut', 'It broke.')

describe('what comes in', () => {
  test('is told of from the beginning', () => {
    const { incoming, happened } = upstream()
    incoming.connected()
    incoming.head(418, {})
    expect(happened).toEqual(['connected', 'head 418'])
  })

  test('in one turn goes on as one piece, in order', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened))
    for (const text of ['a', 'b', 'c']) give(text)
    expect(happened).toEqual([])
    await turn()
    for (const text of ['d', 'e']) give(text)
    await turn()
    give('f')
    await turn()
    expect(happened).toEqual(['abc', 'de', 'f'])
  })

  test('alone goes on as the very same chunk', async () => {
    const { incoming } = begun()
    const chunk = Buffer.from('a')
    const got: Buffer[] = []
    incoming.to({ ...reader([]), write: (piece) => got.push(piece) > 0 })
    incoming.data(chunk)
    await turn()
    expect(got[0]).toBe(chunk)
  })

  test('before its reader is kept for it', () => {
    const { incoming, happened, give } = begun()
    give('a')
    give('b')
    incoming.to(reader(happened))
    expect(happened).toEqual(['ab'])
  })

  test('is delivered before the end that comes in the same turn', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened))
    give('a')
    give('b')
    incoming.end()
    await turn()
    expect(happened).toEqual(['ab', 'end'])
  })

  test('is delivered before the failure that comes in the same turn', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened))
    give('a')
    incoming.fail(cut)
    await turn()
    expect(happened).toEqual(['a', 'fail upstream_cut'])
  })

  test.each<[how: string, end: (incoming: Incoming) => void, last: string]>([
    ['ended', (incoming) => incoming.end(), 'end'],
    ['failed', (incoming) => incoming.fail(cut), 'fail upstream_cut'],
  ])('and has %s before its reader comes is complete for it', (_how, end, last) => {
    const { incoming, happened, give } = begun()
    give('a')
    end(incoming)
    incoming.to(reader(happened))
    expect(happened).toEqual(['a', last])
  })

  test('after the end counts for nothing', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened))
    incoming.end()
    give('late')
    incoming.end()
    incoming.fail(cut)
    incoming.cancel()
    await turn()
    expect(happened).toEqual(['end'])
  })

  test('is a failure to begin when there was no head', () => {
    const { incoming, happened } = upstream()
    incoming.fail(cut)
    expect(happened).toEqual(['failed upstream_cut'])
  })
})

describe('a slow reader', () => {
  test('has the upstream paused until it resumes', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened, () => false))
    give('a')
    await turn()
    expect(happened).toEqual(['a', 'pause'])
    incoming.resume()
    expect(happened).toEqual(['a', 'pause', 'resume'])
  })

  test('who is fast again does not have it paused', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened, (text) => text !== 'a'))
    for (const text of ['a', 'b']) {
      give(text)
      await turn()
      if (text === 'a') incoming.resume()
    }
    expect(happened).toEqual(['a', 'pause', 'resume', 'b'])
  })

  test('loses nothing of what comes while it is full', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened, () => false))
    give('a')
    await turn()
    give('b')
    incoming.end()
    expect(happened.filter((what) => what !== 'pause')).toEqual(['a', 'b', 'end'])
  })
})

describe('the upstream is held back', () => {
  const patience = 64 * 1024

  test('beyond 64 kB before a reader comes, once, and let go when it does', () => {
    const { incoming, happened, give } = begun()
    give('x'.repeat(patience))
    expect(happened).toEqual([])
    give('x')
    give('x')
    expect(happened).toEqual(['pause'])
    incoming.to(reader(happened))
    expect(happened).toEqual(['pause', `${patience + 2} bytes`, 'resume'])
  })

  test('and stays so when the reader who comes is full at once', () => {
    const { incoming, happened, give } = begun()
    give('x'.repeat(patience + 1))
    incoming.to(reader(happened, () => false))
    expect(happened).toEqual(['pause', `${patience + 1} bytes`, 'pause'])
    incoming.resume()
    expect(happened.at(-1)).toBe('resume')
  })

  test('beyond 64 kB in one turn too, until that has gone on', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened))
    give('x'.repeat(patience + 1))
    expect(happened).toEqual(['pause'])
    await turn()
    expect(happened).toEqual(['pause', `${patience + 1} bytes`, 'resume'])
  })
})

describe('a client that leaves', () => {
  test('ends the upstream, and its reader gets no more', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened))
    give('a')
    incoming.cancel()
    incoming.cancel()
    give('b')
    incoming.end()
    await turn()
    expect(happened).toEqual(['abort', 'fail cancelled'])
  })

  test('before the head has it fail to begin', () => {
    const { incoming, happened } = upstream()
    incoming.cancel()
    expect(happened).toEqual(['abort', 'failed cancelled'])
  })

  test('before its reader came has that fail at once', () => {
    const { incoming, happened, give } = begun()
    give('a')
    incoming.cancel()
    incoming.to(reader(happened))
    expect(happened).toEqual(['abort', 'fail cancelled'])
  })

  test('before the request went out has it aborted when it does', () => {
    const happened: string[] = []
    const incoming = new Incoming({ connected() {}, head() {}, failed: ({ code }) => happened.push(code) })
    incoming.cancel()
    incoming.started({ pause() {}, resume() {}, abort: () => happened.push('abort') })
    expect(happened).toEqual(['cancelled', 'abort'])
  })

  test.each<[when: string, last: (incoming: Incoming) => void]>([
    ['the end', (incoming) => incoming.end()],
    ['a failure', (incoming) => incoming.fail(cut)],
  ])('at the last bytes, which came with %s, is told of one end only', (_when, last) => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened, () => incoming.cancel() === undefined))
    give('a')
    last(incoming)
    expect(happened).toEqual(['a', 'abort', 'fail cancelled'])
  })

  test('at what was kept for it is told of one end only', () => {
    const { incoming, happened, give } = begun()
    give('a')
    incoming.to(reader(happened, () => incoming.cancel() === undefined))
    expect(happened).toEqual(['a', 'abort', 'fail cancelled'])
  })
})

describe('what is ended for a reason that is not its own', () => {
  const late = new GatewayError('timeout_idle', 'It fell silent.')

  test('ends the upstream, and goes on with what has come so far first', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened))
    give('a')
    incoming.stop(late)
    give('b')
    incoming.end()
    await turn()
    expect(happened).toEqual(['abort', 'a', 'fail timeout_idle'])
  })

  test('before the head fails to begin', () => {
    const { incoming, happened } = upstream()
    incoming.stop(late)
    expect(happened).toEqual(['abort', 'failed timeout_idle'])
  })

  test('before its reader came has that hear of it behind what was kept', () => {
    const { incoming, happened, give } = begun()
    give('a')
    incoming.stop(late)
    incoming.to(reader(happened))
    expect(happened).toEqual(['abort', 'a', 'fail timeout_idle'])
  })

  test('before the request went out has it aborted when it does', () => {
    const happened: string[] = []
    const incoming = new Incoming({ connected() {}, head() {}, failed: ({ code }) => happened.push(code) })
    incoming.stop(late)
    incoming.started({ pause() {}, resume() {}, abort: () => happened.push('abort') })
    expect(happened).toEqual(['timeout_idle', 'abort'])
  })

  test('is ended once, whoever else ends it', async () => {
    const { incoming, happened } = begun()
    incoming.to(reader(happened))
    incoming.stop(late)
    incoming.stop(cut)
    incoming.cancel()
    incoming.fail(cut)
    await turn()
    expect(happened).toEqual(['abort', 'fail timeout_idle'])
  })

  test('after its end is not ended again', () => {
    const { incoming, happened } = begun()
    incoming.to(reader(happened))
    incoming.end()
    incoming.stop(late)
    expect(happened).toEqual(['end'])
  })

  test('by its reader, at what it was given, hears of that reason alone', async () => {
    const { incoming, happened, give } = begun()
    incoming.to(reader(happened, () => incoming.stop(late) === undefined))
    give('a')
    incoming.end()
    await turn()
    expect(happened).toEqual(['a', 'abort', 'fail timeout_idle'])
  })
})

test('what is gathered is all of it', async () => {
  const { incoming, happened, give } = begun()
  const gathered = gather(incoming, 4)
  for (const text of ['a', 'bc', 'd']) give(text)
  incoming.end()
  expect(await gathered).toEqual({ bytes: Buffer.from('abcd') })
  expect(happened).toEqual([])
})

test('what is gathered and goes on beyond the limit is ended there', async () => {
  const { incoming, happened, give } = begun()
  const gathered = gather(incoming, 4)
  for (const text of ['ab', 'cde']) give(text)
  expect(await gathered).toEqual({ bytes: Buffer.from('abcd') })
  expect(happened).toEqual(['abort'])
})

test('what cannot be gathered to its end has what came, and the reason', async () => {
  const { incoming, give } = begun()
  const gathered = gather(incoming, 4)
  give('ab')
  incoming.fail(cut)
  expect(await gathered).toEqual({ bytes: Buffer.from('ab'), failure: cut })
})

test('a step on the way changes the bytes, says whether they were taken, and has the last word', async () => {
  const { incoming, happened, give } = begun()
  const source = stepped(incoming, {
    next: (chunk) => (chunk.toString() === 'drop' ? [] : [chunk, Buffer.from('!')]),
    end: () => [Buffer.from('rest')],
  })
  source.to(reader(happened, (text) => text !== '!'))
  give('drop')
  await turn()
  expect(happened).toEqual([])
  give('a')
  await turn()
  expect(happened).toEqual(['a', '!', 'pause'])
  source.resume()
  incoming.end()
  expect(happened.slice(3)).toEqual(['resume', 'rest', 'end'])
})
