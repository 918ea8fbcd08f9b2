import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { GatewayError } from '../../core/error.ts'
import type { UpstreamCall, UpstreamHeaders, UpstreamListener } from '../../http/upstream.ts'
import { send } from './send.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] })
})

afterEach(() => {
  vi.useRealTimers()
})

/** Keeps all that it hears. */
class Collector implements UpstreamListener {
  readonly heard: string[] = []
  status: number | undefined
  headers: UpstreamHeaders = {}
  error: GatewayError | undefined
  body = ''
  onData: () => void = () => {}

  connected(): void {
    this.heard.push('connected')
  }
  head(status: number, headers: UpstreamHeaders): void {
    this.heard.push('head')
    this.status = status
    this.headers = headers
  }
  data(chunk: Buffer): void {
    this.heard.push('data')
    this.body += chunk.toString('latin1')
    this.onData()
  }
  end(): void {
    this.heard.push('end')
  }
  fail(error: GatewayError): void {
    this.heard.push('fail')
    this.error = error
  }
}

function ask(fields: object): { listener: Collector; call: UpstreamCall } {
  const body = { model: 'mock/echo', messages: [{ role: 'user', content: 'one two three' }], ...fields }
  return start(Buffer.from(JSON.stringify(body)))
}

function start(body: Buffer): { listener: Collector; call: UpstreamCall } {
  const listener = new Collector()
  const request = {
    origin: 'null',
    mayBePrivate: true,
    path: '/chat/completions',
    method: 'POST',
    headers: {},
    body,
    connectMs: 0,
  } as const
  return { listener, call: send(request, listener) }
}

test('a whole answer comes in order, and not before send has returned', () => {
  const { listener } = ask({})
  expect(listener.heard).toEqual([])
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head', 'data', 'end'])
  expect(listener).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
})

test('a stream comes event by event', () => {
  const { listener } = ask({ stream: true })
  vi.runAllTimers()
  // The role, three words, the finish reason and [DONE].
  expect(listener.heard).toEqual(['connected', 'head', ...Array(6).fill('data'), 'end'])
  expect(listener.body).toMatch(/data: \[DONE\]\n\n$/)
})

test('other work has its turn between two events of a stream', () => {
  const { listener } = ask({ stream: true })
  vi.advanceTimersToNextTimer()
  expect(listener.heard).toEqual(['connected', 'head', 'data'])
  vi.advanceTimersToNextTimer()
  expect(listener.heard).toEqual(['connected', 'head', 'data', 'data'])
})

test('a delay is before the head, and a pace between the events', () => {
  const { listener } = ask({ stream: true, mock: { delay_ms: 500, chunk_ms: 20 } })
  vi.advanceTimersByTime(499)
  expect(listener.heard).toEqual(['connected'])
  vi.advanceTimersByTime(1)
  expect(listener.heard).toEqual(['connected', 'head', 'data'])
  vi.advanceTimersByTime(40)
  expect(listener.heard).toEqual(['connected', 'head', 'data', 'data', 'data'])
})

test('slow bytes come one by one and make the same answer', () => {
  const quick = ask({ mock: { slow_bytes_ms: 0 } }).listener
  const { listener } = ask({ mock: { slow_bytes_ms: 3 } })
  vi.advanceTimersByTime(30)
  expect(listener.body).toHaveLength(11)
  vi.runAllTimers()
  expect(listener.heard.at(-1)).toBe('end')
  expect(JSON.parse(listener.body)).toMatchObject({ choices: JSON.parse(quick.body).choices })
})

test('no data comes while the call is paused, and all of it after that', () => {
  const { listener, call } = ask({ stream: true })
  listener.onData = () => call.pause()
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head', 'data'])
  call.resume()
  call.resume()
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head', 'data', 'data'])
  listener.onData = () => {
    call.pause()
    call.resume()
  }
  call.resume()
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head', ...Array(6).fill('data'), 'end'])
})

test('a call paused at once still hears the head', () => {
  const { listener, call } = ask({})
  call.pause()
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head'])
  call.resume()
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head', 'data', 'end'])
})

for (const mock of [{}, { delay_ms: 50 }, { chunk_ms: 10 }, { slow_bytes_ms: 1 }]) {
  test(`nothing comes after an abort, and no timer is left: ${JSON.stringify(mock)}`, () => {
    const early = ask({ stream: true, mock })
    early.call.abort()
    expect(vi.getTimerCount()).toBe(0)
    const { listener, call } = ask({ stream: true, mock })
    vi.advanceTimersToNextTimer()
    vi.advanceTimersToNextTimer()
    const heard = [...listener.heard]
    call.abort()
    call.abort()
    call.resume()
    expect(vi.getTimerCount()).toBe(0)
    vi.runAllTimers()
    expect(listener.heard).toEqual(heard)
    expect(early.listener.heard).toEqual([])
  })
}

test('an abort out of a callback is the last that is heard', () => {
  const { listener, call } = ask({})
  listener.onData = () => call.abort()
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head', 'data'])
})

test('a call that hangs has no timer running', () => {
  const { listener } = ask({ model: 'mock/hang' })
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected'])
  expect(vi.getTimerCount()).toBe(0)
})

test('a broken connection and a refused one fail as a real one would', () => {
  const cut = ask({ model: 'mock/cut' }).listener
  const refused = ask({ model: 'mock/refuse' }).listener
  vi.runAllTimers()
  expect(cut.heard).toEqual(['connected', 'head', 'data', 'fail'])
  expect(cut.error?.code).toBe('upstream_cut')
  expect(refused.heard).toEqual(['fail'])
  expect(refused.error?.code).toBe('upstream_unreachable')
})

test('what is no JSON at all is answered with 400', () => {
  const { listener } = start(Buffer.from('{"model":'))
  vi.runAllTimers()
  expect(listener.heard).toEqual(['connected', 'head', 'data', 'end'])
  expect(listener.status).toBe(400)
})
