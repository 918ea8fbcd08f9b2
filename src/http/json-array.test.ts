import { expect, test } from 'vitest'
import { runStep } from '../core/steps.ts'
import { jsonArray } from './json-array.ts'

const text = '[{"a":"x]\\"}é,{"},\r\n{"b":[1,{"c":2}]} , 3,"s"]\n'
const elements = ['{"a":"x]\\"}é,{"}', '{"b":[1,{"c":2}]}', '3', '"s"'].map((data) => ({ data }))

test('each element of the list is a frame, however the network cuts it', () => {
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++) {
    const cuts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    expect(runStep(jsonArray.split(), cuts)).toEqual(elements)
  }
})

test('an element is there as soon as it is whole', () => {
  const splitter = jsonArray.split()
  expect(splitter.next(Buffer.from('[{"a":1}'))).toEqual([{ data: '{"a":1}' }])
  expect(splitter.next(Buffer.from(',{"a"'))).toEqual([])
  expect(splitter.next(Buffer.from(':2}'))).toEqual([{ data: '{"a":2}' }])
})

test('a body that is no list is one frame, and so is what was cut off', () => {
  expect(runStep(jsonArray.split(), [Buffer.from('{\n "error": {"code": 499}\n}\n')])).toEqual([
    { data: '{\n "error": {"code": 499}\n}' },
  ])
  expect(runStep(jsonArray.split(), [Buffer.from('[{"a":1},{"a":')])).toEqual([{ data: '{"a":1}' }, { data: '{"a":' }])
  expect(runStep(jsonArray.split(), [Buffer.from('oh no')])).toEqual([{ data: 'oh no' }])
  expect(runStep(jsonArray.split(), [])).toEqual([])
})

test('frames are written as one list', () => {
  const written = (frames: readonly { data: string }[]): string =>
    Buffer.concat(runStep(jsonArray.writer?.() ?? { next: () => [], end: () => [] }, frames)).toString()
  expect(JSON.parse(written(elements))).toEqual([{ a: 'x]"}é,{' }, { b: [1, { c: 2 }] }, 3, 's'])
  expect(written([])).toBe('[]')
})
