import { type ChatEvent, type Extra, type Finish, mergeExtra, type Part, type ToolCall } from '../../core/chat.ts'
import { amended, grown } from '../../core/chat-events.ts'
import type { Step } from '../../core/steps.ts'
import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import type { Fields } from '../values.ts'
import { encodeLogprobs, endOf, timeOf } from './answer.ts'
import { encodeParts } from './encode-message.ts'
import { ownEcho, ownFields } from './extras.ts'

export const encodeStream = (context: AnswerContext): Step<ChatEvent, Frame> => new StreamEncoder(context)

class StreamEncoder implements Step<ChatEvent, Frame> {
  private model: string
  private createdAt: unknown
  private readonly createdS: number
  private readonly kinds = new Map<number, Part['kind']>()
  /** Calls go out whole, in the order in which they began. */
  private readonly calls = new Map<number, { call: ToolCall; pieces: string[] }>()
  private finish: Finish | undefined
  private usage: Usage | undefined
  private extra: Extra | undefined

  constructor({ request, createdS }: AnswerContext) {
    this.model = request.model
    this.createdS = createdS
    this.createdAt = timeOf(undefined, createdS)
  }

  next(event: ChatEvent): readonly Frame[] {
    switch (event.kind) {
      case 'start':
        this.model = event.model ?? this.model
        this.createdAt = ownEcho(event.extra).created_at ?? timeOf(event.createdS, this.createdS)
        this.extra = mergeExtra(this.extra, event.extra)
        return []
      case 'begin':
        return event.choice === 0 ? this.begin(event.part, event.value) : []
      case 'grow':
        return event.choice === 0 ? this.grow(event.part, event.text) : []
      case 'amend': {
        const draft = event.choice === 0 ? this.calls.get(event.part) : undefined
        if (draft) draft.call = amended(draft.call, event.with) as ToolCall
        return []
      }
      case 'end':
        return []
      case 'logprobs':
        return event.choice === 0 ? [this.line({ content: '' }, { logprobs: encodeLogprobs(event.tokens) })] : []
      case 'finish':
        if (event.choice === 0) this.finish ??= event.finish
        return []
      case 'usage':
        this.usage = event.usage
        return []
      case 'extra':
        if (event.choice === undefined) this.extra = mergeExtra(this.extra, event.extra)
        return []
    }
  }

  end(): readonly Frame[] {
    if (!this.finish) return []
    const frames: Frame[] = []
    const calls = [...this.calls]
      .toSorted(([a], [b]) => a - b)
      .map(([, { call, pieces }]) => grown(call, pieces.join('')))
    if (calls.length > 0)
      frames.push(
        this.line(
          encodeParts(calls, '', () => undefined),
          {},
        ),
      )
    const { created_at: _, ...times } = ownEcho(this.extra)
    frames.push(this.line({ content: '' }, { ...endOf(this.finish, this.usage), ...times, ...ownFields(this.extra) }))
    return frames
  }

  private begin(part: number, value: Part): readonly Frame[] {
    this.kinds.set(part, value.kind)
    if (value.kind === 'tool-call') {
      this.calls.set(part, { call: value, pieces: [] })
      return []
    }
    const { content, ...others } = encodeParts([value], '', () => undefined)
    return content === '' && Object.keys(others).length === 0 ? [] : [this.line({ content, ...others }, {})]
  }

  private grow(part: number, text: string): readonly Frame[] {
    switch (this.kinds.get(part)) {
      case 'text':
      case 'refusal':
        return [this.line({ content: text }, {})]
      case 'reasoning':
        return [this.line({ content: '', thinking: text }, {})]
      case 'tool-call':
        this.calls.get(part)?.pieces.push(text)
        return []
      default:
        return []
    }
  }

  private line(message: Fields, others: Fields): Frame {
    return {
      data: JSON.stringify({
        model: this.model,
        created_at: this.createdAt,
        message: { role: 'assistant', ...message },
        done: false,
        ...others,
      }),
    }
  }
}
