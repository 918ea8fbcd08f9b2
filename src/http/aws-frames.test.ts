import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../test/support/recordings.ts'
import { GatewayError } from '../core/error.ts'
import { runStep } from '../core/steps.ts'
import { awsFrames } from './aws-frames.ts'
import type { Frame } from './frames.ts'

const frames: readonly Frame[] = [
  { event: 'messageStart', data: '{"role":"assistant"}' },
  { event: 'contentBlockDelta', data: '{"delta":{"text":"Grüße 🚀"}}' },
  { event: 'exception:throttlingException', data: '{"message":"Wait."}' },
]
const bytes = Buffer.concat(frames.map((frame) => awsFrames.write(frame)))
const split = (chunks: Iterable<Uint8Array>): Frame[] => runStep(awsFrames.split(), chunks)

const problemOf = (act: () => unknown): string => {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown.code
    throw thrown
  }
  return 'none'
}

test('frames are read as they were written, wherever the network cuts them', () => {
  expect(split([bytes])).toEqual(frames)
  for (let size = 1; size < 40; size++) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    )
    expect(split(chunks)).toEqual(frames)
  }
})

test('a stream that ends in the middle of a frame was cut, at every place', () => {
  const ends = [0]
  for (const frame of frames) ends.push((ends.at(-1) as number) + awsFrames.write(frame).length)
  for (let end = 0; end <= bytes.length; end++)
    expect(problemOf(() => split([bytes.subarray(0, end)]))).toBe(ends.includes(end) ? 'none' : 'upstream_cut')
})

test('no byte can be changed without being noticed', () => {
  for (let at = 0; at < bytes.length; at++) {
    const wrong = Buffer.from(bytes)
    wrong[at] = (wrong[at] as number) ^ 0x21
    expect(problemOf(() => split([wrong]))).toBe('upstream_invalid')
  }
})

test('what went before a broken frame is handed out first', () => {
  const step = awsFrames.split()
  const wrong = Buffer.from(bytes)
  wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 1
  expect(step.next(wrong)).toEqual(frames.slice(0, 2))
  expect(problemOf(() => step.end())).toBe('upstream_invalid')
})

test('nothing is kept for a frame that says it is longer than frames can be', () => {
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(0xffff_fff0, 0)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  expect(problemOf(() => awsFrames.split().next(prelude))).toBe('upstream_invalid')
  prelude.writeUInt32BE(16, 0)
  prelude.writeUInt32BE(100, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  expect(problemOf(() => awsFrames.split().next(prelude))).toBe('upstream_invalid')
})

test('headers of all types are passed over, and those of an error without a payload are understood', () => {
  const text = (name: string, value: string): number[] => [
    name.length,
    ...Buffer.from(name),
    7,
    0,
    value.length,
    ...Buffer.from(value),
  ]
  const headers = Buffer.from([
    ...[1, 0x61, 0],
    ...[1, 0x62, 1],
    ...[1, 0x63, 2, 9],
    ...[1, 0x64, 3, 9, 9],
    ...[1, 0x65, 4, 9, 9, 9, 9],
    ...[1, 0x66, 5, 9, 9, 9, 9, 9, 9, 9, 9],
    ...[1, 0x67, 6, 0, 2, 9, 9],
    ...[1, 0x68, 8, 9, 9, 9, 9, 9, 9, 9, 9],
    ...[1, 0x69, 9, ...new Array(16).fill(9)],
    ...text(':message-type', 'error'),
    ...text(':error-code', 'InternalError'),
    ...text(':error-message', 'An internal error'),
  ])
  expect(split([framed(headers)])).toEqual([
    { event: 'exception:InternalError', data: '{"message":"An internal error"}' },
  ])
  expect(problemOf(() => split([framed(Buffer.from([1, 0x61, 10]))]))).toBe('upstream_invalid')
  expect(problemOf(() => split([framed(Buffer.from([1, 0x61, 7, 0]))]))).toBe('upstream_invalid')
  expect(problemOf(() => split([framed(Buffer.from([200, 0x61]))]))).toBe('upstream_invalid')
})

test('a page of some proxy is told from a stream', () => {
  expect(problemOf(() => split([Buffer.from('<html><body>Bad Gateway</body></html>')]))).toBe('upstream_invalid')
})

function framed(headers: Buffer): Buffer {
  const all = Buffer.alloc(12 + headers.length + 4)
  all.writeUInt32BE(all.length, 0)
  all.writeUInt32BE(headers.length, 4)
  all.writeUInt32BE(crc32(all.subarray(0, 8)), 8)
  headers.copy(all, 12)
  all.writeUInt32BE(crc32(all.subarray(0, all.length - 4)), all.length - 4)
  return all
}

test.skipIf(!recordingsFolder())(
  `recorded streams cut at every byte (${recordingsFolder() ? 'all' : noRecordings})`,
  () => {
    const rows = index().filter(({ api, streaming }) => streaming && /^bedrock\.(converse|invoke)-stream/.test(api))
    for (const { id } of rows) {
      const recorded = responseBytes(load(id))
      const whole = split([recorded])
      const step = recorded.length <= 5000 ? 1 : Math.ceil(recorded.length / 200)
      for (let at = 1; at < recorded.length; at += step)
        expect(split([recorded.subarray(0, at), recorded.subarray(at)]).length).toBe(whole.length)
    }
  },
)
