import { expect, test } from 'vitest'
import { progress } from './progress.ts'

function screen(isTTY: boolean) {
  const written: string[] = []
  return {
    written,
    stream: { isTTY, columns: 20, write: (text: string | Uint8Array) => written.push(String(text)) > 0 },
  }
}

test('a person sees one line that goes when all is done', () => {
  const { written, stream } = screen(true)
  const shown = progress(stream)
  shown.say('Copying traces.db, 3 %')
  shown.say('Copying traces.db, 3 %')
  shown.say('Checking')
  shown.end()
  expect(written).toEqual(['\r\x1b[2KCopying traces.db,…', '\r\x1b[2KChecking', '\r\x1b[2K'])
})

test('in a pipe nothing is said', () => {
  const { written, stream } = screen(false)
  const shown = progress(stream)
  shown.say('Copying')
  shown.end()
  expect(written).toEqual([])
})
