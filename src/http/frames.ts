import { GatewayError } from '../core/error.ts'
import type { Step } from '../core/steps.ts'

/** One message of a stream as it is on the wire: a server-sent event, or a frame of an AWS event stream. */
export interface Frame {
  /** The event's name where the stream gives one. */
  readonly event?: string
  readonly data: string
}

/** How frames become bytes and bytes frames. */
export interface Framing {
  readonly contentType: RegExp
  /** The content type that is written. */
  readonly type: string
  split(): Step<Uint8Array, Frame>
  write(frame: Frame): Buffer
  /** What says nothing, between two frames: there is still somebody. */
  readonly alive?: Buffer
  /** For forms that have something before the first frame, between two, and after the last. */
  writer?(): Step<Frame, Buffer>
  /** In such a form, a frame behind others that have gone out, and the end. */
  last?(frame: Frame): Buffer
}

/** How long one frame may be: several pictures are not. A provider that never ends one does not fill our memory. */
export const longestEvent = 64 * 1024 * 1024

export const frameTooLong = (): GatewayError =>
  new GatewayError('upstream_invalid', `The provider sends an event that is longer than ${longestEvent} bytes.`)
