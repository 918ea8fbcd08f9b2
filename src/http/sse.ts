import { StringDecoder } from 'node:string_decoder'
import { createParser } from 'eventsource-parser'
import type { Step } from '../core/steps.ts'
import { type Frame, type Framing, frameTooLong, longestEvent } from './frames.ts'

/**
 * Bytes to server-sent events as the WHATWG's standard reads them: any chunking, all line ends, comments, several `data:`
 * lines, split characters. Beyond it, an event whose blank line never came is taken at the end, since some hosts leave
 * the last one out.
 */
export function sseFrames(): Step<Uint8Array, Frame> {
  const decoder = new StringDecoder('utf8')
  let frames: Frame[] = []
  let isTooLong = false
  const parser = createParser({
    maxBufferSize: longestEvent,
    onEvent: ({ event, data }) => frames.push(event === undefined ? { data } : { event, data }),
    onError: ({ type }) => {
      isTooLong ||= type === 'max-buffer-size-exceeded'
    },
  })
  const feed = (text: string): void => {
    if (!isTooLong) parser.feed(text)
    if (isTooLong) throw frameTooLong()
  }
  const taken = (): readonly Frame[] => {
    const ready = frames
    frames = []
    return ready
  }
  return {
    next(chunk) {
      feed(decoder.write(chunk as Buffer))
      return taken()
    },
    end() {
      feed(`${decoder.end()}\n\n`)
      return taken()
    },
  }
}

/** Server-sent events. Data that is written is JSON, which has no line ends. */
export const sse: Framing = {
  contentType: /^text\/event-stream/i,
  type: 'text/event-stream; charset=utf-8',
  split: sseFrames,
  alive: Buffer.from(':\n\n'),
  write: ({ event, data }) =>
    Buffer.from(event === undefined ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`),
}
