import type { ChatEvent, FinishReason } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Step } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { type Fields, fieldsOf, isFields, numberOf, textOf, without } from '../values.ts'
import { answerIn, isAnswerTool, isWrapped } from './answer-tool.ts'
import { decodeCitation } from './citations.ts'
import { explanationOf, startOf } from './decode-answer.ts'
import { argumentsOf, decodeBlock, decodeCall } from './decode-block.ts'
import { errorIn } from './errors.ts'
import { decodeFinish } from './finish.ts'
import { sealOf } from './foreign-thoughts.ts'
import { decodeUsage, mergeCounts } from './usage.ts'
import { extraOf } from './wire.ts'

export const decodeStream = (): Step<Frame, ChatEvent> => new StreamDecoder()

/** A block between its start and its stop. */
interface OpenBlock {
  /** Its number among the parts; -1 for a block that is only told once it is whole. */
  readonly part: number
  /** The block itself, where it is only told once it is whole, or its input may have come at once. */
  whole: Fields | undefined
  /** The pieces of input that came, if they are kept. */
  pieces: string[] | undefined
  /** Whether anything came of the input of a call. */
  hasInput: boolean
}

class StreamDecoder implements Step<Frame, ChatEvent> {
  private readonly blocks = new Map<number, OpenBlock>()
  private parts = 0
  private counts: Fields | undefined
  private hasAnswerTool = false
  private hasOtherCall = false
  private hasFinished = false
  private hasStopped = false

  next({ event, data }: Frame): readonly ChatEvent[] {
    const said = parsed(data)
    if (said === undefined) return []
    switch (said.type ?? event) {
      case 'content_block_delta':
        return this.delta(numberOf(said.index) ?? 0, fieldsOf(said.delta))
      case 'content_block_start':
        return this.begin(numberOf(said.index) ?? 0, fieldsOf(said.content_block))
      case 'content_block_stop':
        return this.stop(numberOf(said.index) ?? 0)
      case 'message_start':
        return this.start(fieldsOf(said.message))
      case 'message_delta':
        return this.finish(said)
      case 'message_stop':
        this.hasStopped = true
        return []
      case 'error':
        throw errorIn(said)
      default:
        if (isFields(said.error)) throw errorIn(said)
        return []
    }
  }

  end(): readonly ChatEvent[] {
    if (this.hasStopped || this.hasFinished) return this.stopAll()
    throw new GatewayError('upstream_cut', 'The stream of the provider ended before the message did.')
  }

  private start(message: Fields): readonly ChatEvent[] {
    const start: ChatEvent = { kind: 'start', ...startOf(message) }
    if (!isFields(message.usage)) return [start]
    this.counts = mergeCounts(this.counts, message.usage)
    return [start, this.usage()]
  }

  private usage(): ChatEvent {
    const counts = this.counts as Fields
    return { kind: 'usage', usage: decodeUsage(counts), reported: counts }
  }

  private begin(index: number, block: Fields): readonly ChatEvent[] {
    switch (block.type) {
      case 'tool_use': {
        const name = textOf(block.name)
        if (isAnswerTool(name)) {
          this.hasAnswerTool = true
          const pieces = isWrapped(name) ? [] : undefined
          const part = this.open(index, { whole: block, pieces })
          return [{ kind: 'begin', choice: 0, part, value: { kind: 'text', text: '' } }]
        }
        this.hasOtherCall = true
        const part = this.open(index, { whole: block, pieces: undefined })
        return [{ kind: 'begin', choice: 0, part, value: decodeCall(block, '') }]
      }
      case 'text':
      case 'thinking':
      case 'redacted_thinking': {
        const part = this.open(index, { whole: undefined, pieces: undefined })
        return [{ kind: 'begin', choice: 0, part, value: decodeBlock(block) }]
      }
      default:
        // The provider's own tools may get their input piece by piece, and are told once it is there.
        this.blocks.set(index, { part: -1, whole: block, pieces: [], hasInput: false })
        return []
    }
  }

  private open(index: number, { whole, pieces }: Pick<OpenBlock, 'whole' | 'pieces'>): number {
    const part = this.parts++
    this.blocks.set(index, { part, whole, pieces, hasInput: false })
    return part
  }

  private delta(index: number, delta: Fields): readonly ChatEvent[] {
    const block = this.blocks.get(index)
    if (!block) return []
    const { part } = block
    switch (delta.type) {
      case 'text_delta':
        return grown(part, delta.text)
      case 'thinking_delta':
        return grown(part, delta.thinking)
      case 'input_json_delta': {
        const { partial_json: piece } = delta
        if (typeof piece !== 'string' || piece === '') return []
        block.hasInput = true
        if (!block.pieces) return [{ kind: 'grow', choice: 0, part, text: piece }]
        block.pieces.push(piece)
        return []
      }
      case 'signature_delta': {
        const sealed = sealOf(delta.signature)
        return part < 0 || !sealed.seal
          ? []
          : [{ kind: 'amend', choice: 0, part, with: { seal: sealed.seal, ...(sealed.id && { id: sealed.id }) } }]
      }
      case 'citations_delta':
        return part < 0 || !isFields(delta.citation)
          ? []
          : [{ kind: 'amend', choice: 0, part, with: { citation: decodeCitation(delta.citation) } }]
      default:
        // What a block that nobody knows learns on the way becomes part of it.
        if (part < 0 && block.whole) block.whole = { ...block.whole, ...without(delta, deltaFields) }
        return []
    }
  }

  private stop(index: number): readonly ChatEvent[] {
    const block = this.blocks.get(index)
    if (!block) return []
    this.blocks.delete(index)
    const { part, whole, pieces, hasInput } = block
    if (part < 0) {
      const value = hasInput ? { ...whole, input: inputOf(pieces ?? []) } : (whole ?? {})
      const made = this.parts++
      return [
        { kind: 'begin', choice: 0, part: made, value: decodeBlock(value) },
        { kind: 'end', choice: 0, part: made },
      ]
    }
    const end: ChatEvent = { kind: 'end', choice: 0, part }
    // A call's input may have come whole at its start, and one without arguments gets none at all.
    const rest = whole && restOf(whole, pieces, hasInput)
    return rest ? [{ kind: 'grow', choice: 0, part, text: rest }, end] : [end]
  }

  /** Some hosts leave out that their blocks have ended. */
  private stopAll(): readonly ChatEvent[] {
    return this.blocks.size === 0 ? [] : [...this.blocks.keys()].flatMap((index) => this.stop(index))
  }

  private finish(said: Fields): readonly ChatEvent[] {
    const delta = fieldsOf(said.delta)
    const events: ChatEvent[] = [...this.stopAll()]
    if (isFields(said.usage)) this.counts = mergeCounts(this.counts, said.usage)
    const unknown = { ...without(said, messageDeltaFields), ...without(delta, messageDeltaFields) }
    const echo = this.counts && isFields(said.usage) ? { usage: this.counts } : {}
    const { extra } = extraOf(unknown, echo)
    if (extra) events.push({ kind: 'extra', extra })
    const explained = explanationOf(delta.stop_details)
    if (explained) {
      const part = this.parts++
      events.push({ kind: 'begin', choice: 0, part, value: explained }, { kind: 'end', choice: 0, part })
    }
    const finish = this.finishOf(delta)
    if (finish && !this.hasFinished) {
      this.hasFinished = true
      events.push({ kind: 'finish', choice: 0, finish })
    }
    if (isFields(said.usage)) events.push(this.usage())
    return events
  }

  private finishOf(delta: Fields): ReturnType<typeof decodeFinish> {
    const isAnswer = this.hasAnswerTool && !this.hasOtherCall && delta.stop_reason === 'tool_use'
    return isAnswer ? { reason: 'stop' satisfies FinishReason } : decodeFinish(delta, this.hasOtherCall)
  }
}

const deltaFields = new Set(['type'])
const messageDeltaFields = new Set(['type', 'delta', 'usage', 'stop_reason', 'stop_sequence', 'stop_details'])

const grown = (part: number, text: unknown): readonly ChatEvent[] =>
  part >= 0 && typeof text === 'string' && text !== '' ? [{ kind: 'grow', choice: 0, part, text }] : []

/** What is told of a call's input when its block ends, beyond what came piece by piece. */
function restOf(block: Fields, pieces: readonly string[] | undefined, hasInput: boolean): string {
  const name = textOf(block.name)
  if (!isAnswerTool(name)) return hasInput ? '' : argumentsOf(block.input ?? {})
  if (pieces && hasInput) return answerIn(name, inputOf(pieces))
  return hasInput ? '' : answerIn(name, block.input)
}

/** The input that came in pieces; as text if it is no JSON. */
function inputOf(pieces: readonly string[]): unknown {
  const text = pieces.join('')
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Nothing at all, and the mark with which other dialects end, are no events. */
function parsed(data: string): Fields | undefined {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch (cause) {
    if (data.trim() === '' || data.trim() === '[DONE]') return undefined
    throw new GatewayError('upstream_invalid', 'The provider sent an event that is not JSON.', { cause })
  }
  return isFields(value) ? value : undefined
}
