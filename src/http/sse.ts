import { StringDecoder } from 'node:string_decoder'
import { createParser } from 'eventsource-parser'
import type { Step } from '../core/steps.ts'

/** One server-sent event. */
export interface Frame {
  /** The event's name where the stream gives one. */
  readonly event?: string
  readonly data: string
}

/**
 * Bytes to server-sent events as the WHATWG's standard reads them: any chunking, all line ends, comments, several `data:`
 * lines, split characters. Beyond it, an event whose blank line never came is taken at the end, since some hosts leave
 * the last one out.
 */
export function sseFrames(): Step<Uint8Array, Frame> {
  const decoder = new StringDecoder('utf8')
  let frames: Frame[] = []
  const parser = createParser({
    onEvent: ({ event, data }) => frames.push(event === undefined ? { data } : { event, data }),
  })
  const taken = (): readonly Frame[] => {
    const ready = frames
    frames = []
    return ready
  }
  return {
    next(chunk) {
      parser.feed(decoder.write(chunk as Buffer))
      return taken()
    },
    end() {
      parser.feed(`${decoder.end()}\n\n`)
      return taken()
    },
  }
}
