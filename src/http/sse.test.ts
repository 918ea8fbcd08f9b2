import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runStep } from '../core/steps.ts'
import type { Frame } from './frames.ts'
import { sseFrames } from './sse.ts'

const framesOf = (chunks: Iterable<Uint8Array>): Frame[] => runStep(sseFrames(), chunks)
const read = (text: string): Frame[] => framesOf([Buffer.from(text)])

test.each<[what: string, text: string, frames: readonly Frame[]]>([
  ['line feeds', 'data: a\n\ndata: b\n\n', [{ data: 'a' }, { data: 'b' }]],
  ['carriage returns with line feeds', 'data: a\r\n\r\ndata: b\r\n\r\n', [{ data: 'a' }, { data: 'b' }]],
  ['carriage returns alone', 'data: a\r\rdata: b\r\r', [{ data: 'a' }, { data: 'b' }]],
  ['several lines of data', 'data: a\ndata:\ndata: b\n\n', [{ data: 'a\n\nb' }]],
  ['no space after the colon, and two', 'data:a\n\ndata:  b\n\n', [{ data: 'a' }, { data: ' b' }]],
  ['a name', 'event: delta\ndata: a\n\n', [{ event: 'delta', data: 'a' }]],
  ['comments and fields that nobody knows', ': ping\n\nid: 7\nretry: 9\nother: x\ndata: a\n\n', [{ data: 'a' }]],
  ['a name without data, which is no event', 'event: ping\n\ndata: a\n\n', [{ data: 'a' }]],
  ['a byte order mark', '\ufeffdata: a\n\n', [{ data: 'a' }]],
  ['no last blank line', 'data: a\n\ndata: b\n', [{ data: 'a' }, { data: 'b' }]],
  ['no last line end at all', 'data: a\n\ndata: b', [{ data: 'a' }, { data: 'b' }]],
  ['nothing', '', []],
])('%s', (_what, text, frames) => {
  expect(read(text)).toEqual(frames)
})

const mixed = Buffer.from(
  '\ufeff: hi\r\ndata: ü😀\r\ndata: {"a":1}\r\n\r\nevent: x\rdata: b\r\r: ping\n\ndata: 漢字\n\ndata: last',
)

test('wherever the network cuts, the same frames come out', () => {
  const whole = framesOf([mixed])
  expect(whole).toEqual([{ data: 'ü😀\n{"a":1}' }, { event: 'x', data: 'b' }, { data: '漢字' }, { data: 'last' }])
  for (let at = 0; at <= mixed.length; at++) {
    expect(framesOf([mixed.subarray(0, at), mixed.subarray(at)]), `cut at ${at}`).toEqual(whole)
  }
  for (let size = 1; size < 12; size++) {
    const pieces = Array.from({ length: Math.ceil(mixed.length / size) }, (_, index) =>
      mixed.subarray(index * size, (index + 1) * size),
    )
    expect(framesOf(pieces), `pieces of ${size}`).toEqual(whole)
  }
})

test('what was written comes out, whatever it is and however it is cut', () => {
  const line = fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n\0\ufeff]/g, ''))
  fc.assert(
    fc.property(fc.array(fc.array(line, { minLength: 1, maxLength: 3 })), fc.array(fc.nat()), (events, cuts) => {
      const bytes = Buffer.from(events.map((lines) => `${lines.map((one) => `data: ${one}\n`).join('')}\n`).join(''))
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
      const pieces = places.slice(1).map((to, index) => bytes.subarray(places[index], to))
      const expected = events.map((lines) => Buffer.from(lines.join('\n')).toString())
      expect(framesOf(pieces).map(({ data }) => data)).toEqual(expected)
    }),
  )
})
