import type { ChatEvent, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Step } from '../../core/steps.ts'
import { exceptionPrefix } from '../../http/aws-frames.ts'
import type { Frame } from '../../http/frames.ts'
import { answerIn, isAnswerTool, isWrapped } from '../anthropic-messages/answer-tool.ts'
import { type Fields, fieldsOf, isFields, listOf, numberOf, textOf, without } from '../values.ts'
import { citationOf } from './citations.ts'
import { inputOf, ownOf, settledFinish } from './decode-answer.ts'
import { decodeBlock, decodeBlocks } from './decode-parts.ts'
import { exceptionOf } from './errors.ts'
import { extraOf } from './extras.ts'
import { finishOf } from './finish.ts'
import { sealOfRedacted, sealOfSignature } from './seals.ts'
import { usageIn } from './usage.ts'

/** A block that is being written. Only calls announce themselves; everything else begins with its first delta. */
interface Open {
  /** Absent as long as nothing was shown of it. */
  part?: number
  kind?: 'text' | 'reasoning' | 'call' | 'whole'
  /** For a call: whether it has arguments yet. For the provider's own tools and pictures: what came so far. */
  hasArguments?: boolean
  /** The name of the tool whose input has the answer for a member. */
  answer?: string
  whole?: Fields
  pieces?: string[]
  results?: Fields[]
  signature?: string
}

const nothing: readonly ChatEvent[] = []

export const decodeStream = (): Step<Frame, ChatEvent> => new StreamDecoder()

class StreamDecoder implements Step<Frame, ChatEvent> {
  private readonly blocks = new Map<number, Open>()
  private parts = 0
  private hasStarted = false
  private hasFinished = false
  /** Calls that the client is to run, and whether one of them was the answer itself. */
  private calls = 0
  private isAnswered = false

  next(frame: Frame): readonly ChatEvent[] {
    const { event } = frame
    if (event?.startsWith(exceptionPrefix)) throw exceptionOf(frame)
    const events = this.read(event, parsed(frame.data))
    if (this.hasStarted || events.length === 0) return events
    this.hasStarted = true
    return events[0]?.kind === 'start' ? events : [{ kind: 'start' }, ...events]
  }

  end(): readonly ChatEvent[] {
    if (!this.hasFinished) throw new GatewayError('upstream_cut', "The provider's stream ended before the answer did.")
    return nothing
  }

  private read(event: string | undefined, payload: Fields): readonly ChatEvent[] {
    switch (event) {
      case 'messageStart':
        return this.hasStarted ? nothing : [{ kind: 'start' }]
      case 'contentBlockStart':
        return this.begin(indexOf(payload), fieldsOf(payload.start))
      case 'contentBlockDelta':
        return isFields(payload.delta) ? this.grow(this.block(indexOf(payload)), payload.delta) : nothing
      case 'contentBlockStop':
        return this.close(indexOf(payload))
      case 'messageStop':
        return this.finish(payload)
      case 'metadata':
        return metadataOf(payload)
      default:
        return nothing
    }
  }

  private block(index: number): Open {
    let block = this.blocks.get(index)
    if (!block) {
      block = {}
      this.blocks.set(index, block)
    }
    return block
  }

  private begun(block: Open, kind: NonNullable<Open['kind']>, value: Part): ChatEvent {
    block.kind = kind
    block.part = this.parts++
    return { kind: 'begin', choice: 0, part: block.part, value }
  }

  private begin(index: number, start: Fields): readonly ChatEvent[] {
    const block: Open = {}
    this.blocks.set(index, block)
    const { toolUse, toolResult, image } = start
    if (isFields(toolUse) && toolUse.type !== 'server_tool_use') {
      const name = textOf(toolUse.name)
      if (isAnswerTool(name)) {
        this.isAnswered = true
        // An answer that is wrapped can only be shown once all of it is there.
        if (isWrapped(name)) block.answer = name
        return [this.begun(block, 'call', { kind: 'text', text: '' })]
      }
      this.calls++
      return [this.begun(block, 'call', callOf(toolUse))]
    }
    if (isFields(toolUse) || isFields(toolResult) || isFields(image)) {
      block.kind = 'whole'
      block.whole = start
    }
    return nothing
  }

  private grow(block: Open, delta: Fields): readonly ChatEvent[] {
    const { text } = delta
    if (typeof text === 'string') {
      if (text === '') return nothing
      if (block.kind !== 'text') return [this.begun(block, 'text', { kind: 'text', text })]
      return [{ kind: 'grow', choice: 0, part: block.part as number, text }]
    }
    if (isFields(delta.toolUse)) return this.growCall(block, delta.toolUse)
    if (isFields(delta.reasoningContent)) return this.growThoughts(block, delta.reasoningContent)
    if (isFields(delta.citation)) {
      const events: ChatEvent[] = []
      if (block.kind !== 'text') events.push(this.begun(block, 'text', { kind: 'text', text: '' }))
      events.push({
        kind: 'amend',
        choice: 0,
        part: block.part as number,
        with: { citation: citationOf(delta.citation) },
      })
      return events
    }
    if (block.kind !== 'whole') return nothing
    if (Array.isArray(delta.toolResult)) {
      block.results ??= []
      for (const result of listOf(delta.toolResult)) block.results.push(result)
    }
    const bytes = fieldsOf(fieldsOf(delta.image).source).bytes
    if (typeof bytes === 'string') pieceOf(block, bytes)
    return nothing
  }

  private growCall(block: Open, { input }: Fields): readonly ChatEvent[] {
    const text = textOf(input)
    if (text === '') return nothing
    if (block.kind === 'whole') pieceOf(block, text)
    if (block.kind !== 'call') return nothing
    if (block.answer) {
      pieceOf(block, text)
      return nothing
    }
    block.hasArguments = true
    return [{ kind: 'grow', choice: 0, part: block.part as number, text }]
  }

  private growThoughts(block: Open, { text, signature, redactedContent }: Fields): readonly ChatEvent[] {
    const isNew = block.kind !== 'reasoning'
    if (typeof text === 'string') {
      if (isNew) return [this.begun(block, 'reasoning', { kind: 'reasoning', text })]
      return text === '' ? nothing : [{ kind: 'grow', choice: 0, part: block.part as number, text }]
    }
    if (typeof signature !== 'string' && typeof redactedContent !== 'string') return nothing
    const isRedacted = typeof redactedContent === 'string'
    block.signature = (block.signature ?? '') + (isRedacted ? redactedContent : signature)
    const seal = isRedacted ? sealOfRedacted(block.signature) : sealOfSignature(block.signature)
    if (isNew)
      return [
        this.begun(block, 'reasoning', { kind: 'reasoning', text: '', ...(isRedacted && { redacted: true }), seal }),
      ]
    return [{ kind: 'amend', choice: 0, part: block.part as number, with: { seal } }]
  }

  private close(index: number): readonly ChatEvent[] {
    const block = this.blocks.get(index)
    if (!block) return nothing
    this.blocks.delete(index)
    if (block.kind === 'whole') {
      const [part] = decodeBlocks([wholeOf(block)], 'assistant')
      const begin = this.begun(block, 'whole', part as Part)
      return [begin, { kind: 'end', choice: 0, part: block.part as number }]
    }
    if (block.part === undefined) return nothing
    const { answer, part, pieces = [] } = block
    const end: ChatEvent = { kind: 'end', choice: 0, part }
    if (answer) return [{ kind: 'grow', choice: 0, part, text: answerIn(answer, inputOf(pieces.join(''))) }, end]
    // A whole answer says of a call without arguments that they are an empty object.
    return block.kind === 'call' && !block.hasArguments ? [{ kind: 'grow', choice: 0, part, text: '{}' }, end] : [end]
  }

  private finish(payload: Fields): readonly ChatEvent[] {
    const events: ChatEvent[] = []
    for (const index of [...this.blocks.keys()]) events.push(...this.close(index))
    const { extra } = extraOf(without(payload, finishFields))
    if (extra) events.push({ kind: 'extra', extra })
    const finish = finishOf(payload.stopReason, payload.additionalModelResponseFields)
    if (!finish) return events
    this.hasFinished = true
    events.push({ kind: 'finish', choice: 0, finish: settledFinish(finish, this.calls > 0, this.isAnswered) })
    return events
  }
}

const finishFields = new Set(['stopReason', 'p'])
const metadataFields = new Set(['usage', 'metrics', 'p'])

function metadataOf(payload: Fields): readonly ChatEvent[] {
  const events: ChatEvent[] = []
  const usage = usageIn(payload.usage)
  if (usage) events.push({ kind: 'usage', usage, reported: payload.usage })
  const { extra } = ownOf(without(payload, metadataFields), payload)
  if (extra) events.push({ kind: 'extra', extra })
  return events
}

const indexOf = (payload: Fields): number => numberOf(payload.contentBlockIndex) ?? 0

function callOf(toolUse: Fields): Part {
  const part = decodeBlock({ toolUse })
  return part.kind === 'tool-call' ? { ...part, arguments: '' } : part
}

function pieceOf(block: Open, piece: string): void {
  block.pieces ??= []
  block.pieces.push(piece)
}

/** The block as a whole answer has it. */
function wholeOf({ whole = {}, pieces = [], results = [] }: Open): Fields {
  if (isFields(whole.toolUse)) return { toolUse: { ...whole.toolUse, input: inputOf(pieces.join('')) } }
  if (isFields(whole.toolResult)) return { toolResult: { ...whole.toolResult, content: results } }
  const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64')
  return { image: { ...fieldsOf(whole.image), source: { bytes } } }
}

function parsed(data: string): Fields {
  try {
    return fieldsOf(JSON.parse(data))
  } catch (cause) {
    throw new GatewayError('upstream_invalid', 'The provider sent an event that is no JSON.', { cause })
  }
}
