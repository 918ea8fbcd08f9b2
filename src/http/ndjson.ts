import { StringDecoder } from 'node:string_decoder'
import type { Step } from '../core/steps.ts'
import { type Frame, type Framing, frameTooLong, longestEvent } from './frames.ts'

/** One JSON value a line. A last line without its end is taken at the end; blank lines are nothing. */
function split(): Step<Uint8Array, Frame> {
  const decoder = new StringDecoder('utf8')
  /** The beginning of a line, in the pieces in which it came. */
  let rest: string[] = []
  let size = 0
  const lines = (text: string): readonly Frame[] => {
    const frames: Frame[] = []
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      rest.push(text.slice(from, end))
      take(frames)
      from = end + 1
    }
    if (from < text.length) rest.push(text.slice(from))
    size += text.length - from
    if (size > longestEvent) throw frameTooLong()
    return frames
  }
  const take = (frames: Frame[]): void => {
    const data = rest.length === 1 ? (rest[0] as string).trim() : rest.join('').trim()
    rest = []
    size = 0
    if (data !== '') frames.push({ data })
  }
  return {
    next: (chunk) => lines(decoder.write(chunk as Buffer)),
    end() {
      const frames = [...lines(decoder.end())]
      take(frames)
      return frames
    },
  }
}

/** Lines of JSON. Data that is written is JSON, which has no line ends. */
export const ndjson: Framing = {
  contentType: /^application\/(x-)?ndjson/i,
  type: 'application/x-ndjson',
  split,
  write: ({ data }) => Buffer.from(`${data}\n`),
}
