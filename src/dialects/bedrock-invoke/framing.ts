import { awsFrames, exceptionPrefix } from '../../http/aws-frames.ts'
import type { Frame, Framing } from '../../http/frames.ts'
import { fieldsOf } from '../values.ts'

/** An AWS frame as the event of the model's own format that is packed into it; exceptions, and what is broken, as they are. */
function unpacked(frame: Frame): Frame | undefined {
  if (frame.event !== 'chunk') return frame.event?.startsWith(exceptionPrefix) ? frame : undefined
  try {
    const { bytes } = fieldsOf(JSON.parse(frame.data))
    return typeof bytes === 'string' ? { data: Buffer.from(bytes, 'base64').toString('utf8') } : undefined
  } catch {
    return { data: frame.data }
  }
}

/** Events of a model's own format, each in base64 in a frame of an AWS event stream. */
export const packedFrames: Framing = {
  ...awsFrames,
  split() {
    const frames = awsFrames.split()
    const each = (found: readonly Frame[]): readonly Frame[] => {
      const events: Frame[] = []
      for (const frame of found) {
        const event = unpacked(frame)
        if (event) events.push(event)
      }
      return events
    }
    return { next: (chunk) => each(frames.next(chunk)), end: () => each(frames.end()) }
  },
  write: ({ data }) =>
    awsFrames.write({ event: 'chunk', data: JSON.stringify({ bytes: Buffer.from(data).toString('base64') }) }),
}
