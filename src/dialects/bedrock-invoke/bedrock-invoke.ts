import type { ChatEvent } from '../../core/chat.ts'
import type { Step } from '../../core/steps.ts'
import { exceptionPrefix } from '../../http/aws-frames.ts'
import type { Frame } from '../../http/frames.ts'
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.ts'
import { frameReader, mayMatter, readWhole } from '../anthropic-messages/frame-facts.ts'
import { encodeStreamError, exceptionOf, readDisguised, readError } from '../bedrock-converse/errors.ts'
import type { Counting, Dialect, FrameFacts } from '../dialect.ts'
import { countOf, fieldsOf } from '../values.ts'
import { watched } from '../watch.ts'
import { packedFrames } from './framing.ts'
import { metricsIn } from './metrics.ts'
import { editRequest, readRequest } from './request.ts'

const bodyVersion = 'bedrock-2023-05-31'

const isException = ({ event }: Frame): boolean => event?.startsWith(exceptionPrefix) === true

/** The messages' own facts; what AWS counted stands in for counts that they lack. */
function factsReader(): (frame: Frame) => FrameFacts | undefined {
  const read = frameReader()
  let hasUsage = false
  return (frame) => {
    if (isException(frame)) return { error: exceptionOf(frame) }
    const facts = read(frame)
    hasUsage ||= facts?.usage !== undefined
    const metrics = hasUsage ? undefined : metricsIn(frame)
    return metrics ? { ...facts, usage: metrics.usage, usageReported: metrics.reported } : facts
  }
}

function decodeStream(): Step<Frame, ChatEvent> {
  const inner = anthropicMessages.decodeStream()
  let hasUsage = false
  return {
    next(frame) {
      if (isException(frame)) throw exceptionOf(frame)
      const events = inner.next(frame)
      hasUsage ||= events.some(({ kind }) => kind === 'usage')
      const metrics = hasUsage ? undefined : metricsIn(frame)
      return metrics ? [...events, { kind: 'usage', ...metrics }] : events
    },
    end: () => inner.end(),
  }
}

/** The whole body is counted, packed as it would be sent. */
const counting: Counting = {
  ...anthropicMessages.counting,
  encodeRequest(request, abilities) {
    const { body, dropped } = encodeRequest(request, abilities)
    const packed = Buffer.from(JSON.stringify(body)).toString('base64')
    return { body: { input: { invokeModel: { body: packed } } }, dropped }
  },
  decodeAnswer: (body) => countOf(fieldsOf(body).inputTokens),
}

const encodeRequest: Dialect['encodeRequest'] = (request, abilities) =>
  anthropicMessages.encodeRequest(request, { bodyVersion, ...abilities })

/** Claude's own messages over InvokeModel of AWS Bedrock: for what Converse has no place for. */
export const bedrockInvoke: Dialect & { readonly counting: Counting } = {
  ...anthropicMessages,
  name: 'bedrock-invoke',
  requestHeaders: ['accept'],
  readRequest,
  editRequest,
  ...watched({
    framing: packedFrames,
    frameReader: factsReader,
    mayMatter: (frame: Frame) => isException(frame) || mayMatter(frame),
    readWhole,
    readDisguised,
  }),
  decodeRequest: (body, asked) => ({ ...anthropicMessages.decodeRequest(body, asked), ...asked }),
  encodeRequest,
  decodeStream,
  encodeStreamError,
  readError,
  counting,
}
