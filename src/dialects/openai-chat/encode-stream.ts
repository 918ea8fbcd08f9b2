import type { Amendment, ChatEvent, Extra, Part, ReasoningPart, TextPart, ToolCall } from '../../core/chat.ts'
import { amended } from '../../core/chat-events.ts'
import type { Step } from '../../core/steps.ts'
import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import { type Fields, fieldsOf, isFields } from '../values.ts'
import { writtenCitations } from './citations.ts'
import { audioOf, idOf, imageOf, isOld, sealFields, thinkingOf } from './encode-answer.ts'
import { finishWord, own } from './finish.ts'
import { wireTokens } from './logprobs.ts'
import { type ChoiceDraft, choiceDraft, type PartDraft, partDraft } from './stream-drafts.ts'
import { detailsOf, echoOf, needsDetails } from './thoughts.ts'
import { wireUsageOf } from './usage.ts'

export const encodeStream = (context: AnswerContext): Step<ChatEvent, Frame> => new StreamEncoder(context)

type Of<K extends ChatEvent['kind']> = Extract<ChatEvent, { kind: K }>

class StreamEncoder implements Step<ChatEvent, Frame> {
  private readonly context: AnswerContext
  private readonly asksUsage: boolean
  private isOwn = false
  private head: string | undefined
  private start: Of<'start'> = { kind: 'start' }
  private frames: Frame[] = []
  private readonly choices = new Map<number, ChoiceDraft>()
  private usage: Usage | undefined
  private reported: unknown
  /** What belongs to the whole answer and was learnt after its beginning: it goes along with the next chunk. */
  private later: Fields | undefined

  constructor(context: AnswerContext) {
    this.context = context
    this.asksUsage = context.request.settings.includeUsage === true
  }

  next(event: ChatEvent): readonly Frame[] {
    this.frames = []
    this.take(event)
    return this.frames
  }

  end(): readonly Frame[] {
    this.frames = []
    for (const [index, draft] of this.choices) if (!draft.isFinished) this.finish(index, draft, undefined)
    const reported = this.isOwn && isFields(this.reported) ? this.reported : this.usage && wireUsageOf(this.usage)
    if (this.asksUsage && reported) this.write('[]', JSON.stringify(reported))
    else if (this.later) this.write('[]')
    this.frames.push({ data: '[DONE]' })
    return this.frames
  }

  private take(event: ChatEvent): void {
    switch (event.kind) {
      case 'start':
        this.start = event
        this.isOwn = event.extra?.dialect === own
        this.later = this.isOwn ? objectsIn(event.extra) : undefined
        break
      case 'begin':
        this.begin(event)
        break
      case 'grow':
        this.grow(event)
        break
      case 'amend':
        this.amend(event)
        break
      case 'end':
        this.endPart(event)
        break
      case 'logprobs': {
        const draft = this.choice(event.choice)
        const tokens = wireTokens(event.tokens)
        const isRefusal = draft.hasRefused && draft.length === 0
        const logprobs = { content: isRefusal ? null : tokens, refusal: isRefusal ? tokens : null }
        this.writeChoice(event.choice, '{}', JSON.stringify(logprobs))
        break
      }
      case 'finish':
        this.finish(event.choice, this.choice(event.choice), event.finish)
        break
      case 'usage':
        this.usage = event.usage
        this.reported = event.reported
        break
      case 'extra':
        this.extra(event)
    }
  }

  private begin({ choice, part, value }: Of<'begin'>): void {
    const draft = this.choice(choice, value)
    const known = partDraft(value, draft.length)
    draft.parts.set(part, known)
    switch (value.kind) {
      case 'text':
        if (value.text !== '') this.say(choice, draft, value.text)
        known.end = draft.length
        break
      case 'refusal':
        draft.hasRefused = true
        if (value.text !== '') this.delta(choice, { refusal: value.text })
        break
      case 'reasoning':
        this.beginThought(choice, draft, known, value)
        break
      case 'tool-call':
        known.index = draft.calls++
        known.isWaiting = true
        known.pieces.push(value.arguments)
        if (value.id !== '' && value.name !== '') this.beginCall(choice, known)
        break
      case 'image':
        for (const image of imageOf(value.source, draft.images++)) this.delta(choice, { images: [image] })
        break
      case 'audio':
        this.delta(choice, { audio: audioOf(value, this.context) })
        break
      case 'server-tool':
        if (value.dialect === own) this.delta(choice, { executed_tools: [value.value] })
        break
      case 'opaque':
        if (needsDetails([value])) this.delta(choice, { reasoning_details: detailsOf([value], () => true) })
        else if (value.dialect === own) this.delta(choice, { content: [value.value] })
        break
      default:
    }
  }

  private grow({ choice, part, text }: Of<'grow'>): void {
    const draft = this.choice(choice)
    const known = draft.parts.get(part)
    if (!known || text === '') return
    switch (known.value.kind) {
      case 'text':
        this.say(choice, draft, text)
        known.end = draft.length
        break
      case 'refusal':
        this.delta(choice, { refusal: text })
        break
      case 'reasoning':
        this.think(choice, known, known.value, text)
        break
      case 'tool-call':
        if (known.isWaiting) known.pieces.push(text)
        else {
          known.hasInput = true
          this.inputOf(choice, known, known.value, text)
        }
        break
      case 'audio':
        this.delta(choice, { audio: { data: text } })
        break
      default:
    }
  }

  private amend({ choice, part, with: amendment }: Of<'amend'>): void {
    const draft = this.choice(choice)
    const known = draft.parts.get(part)
    if (!known) return
    known.value = amended(known.value, amendment)
    const { value } = known
    if (value.kind === 'reasoning') {
      if (amendment.seal) this.sealThought(choice, draft, known, value)
    } else if (value.kind === 'tool-call') this.amendCall(choice, known, value, amendment)
    else if (value.kind === 'audio' && amendment.transcript)
      this.delta(choice, { audio: { transcript: amendment.transcript } })
    else if (value.kind === 'text' && amendment.seal) this.sealed(choice, value)
  }

  private endPart({ choice, part }: Of<'end'>): void {
    const known = this.choices.get(choice)?.parts.get(part)
    if (known?.value.kind === 'tool-call') this.endCall(choice, known, known.value)
  }

  // Thoughts.

  private beginThought(choice: number, draft: ChoiceDraft, known: PartDraft, value: ReasoningPart): void {
    const { detail, field } = echoOf(value) ?? {}
    known.isDetailed = detail !== undefined
    if (detail && value.seal) {
      const details = detailsOf([value], () => true)
      this.delta(choice, { ...(field && { [field]: value.text }), reasoning_details: details })
      return
    }
    if (value.text !== '') this.think(choice, known, value, value.text)
    if (value.seal) this.sealThought(choice, draft, known, value)
  }

  /** What came in entries goes on in entries, with the field beside them that had the same. */
  private think(choice: number, known: PartDraft, value: ReasoningPart, text: string): void {
    const echo = echoOf(value)
    const { detail, field = known.isDetailed ? undefined : 'reasoning_content' } = echo ?? {}
    if (field === 'thinking') this.delta(choice, { content: [thinkingOf(text, undefined)] })
    else if (known.isDetailed && detail) {
      const said = detail.type === 'reasoning.summary' ? 'summary' : 'text'
      this.delta(choice, { ...(field && { [field]: text }), reasoning_details: [{ ...detail, [said]: text }] })
    } else {
      known.pieces.push(text)
      const said = JSON.stringify(text)
      this.writeChoice(choice, `{"${field}":${said}${echo?.isTwice ? `,"reasoning":${said}` : ''}}`)
    }
  }

  /** The seal comes last: alone where the thoughts went on in entries, else with all that it seals. */
  private sealThought(choice: number, draft: ChoiceDraft, known: PartDraft, value: ReasoningPart): void {
    const { detail, sealed } = echoOf(value) ?? {}
    if (known.isDetailed && detail) {
      const seal = sealed ? { ...sealed, data: value.seal?.value } : { ...detail, signature: value.seal?.value }
      this.delta(choice, { reasoning_details: [seal] })
      return
    }
    const details = detailsOf([{ ...value, text: known.pieces.join('') }], () => true, draft.details)
    draft.details += details.length
    this.delta(choice, { reasoning_details: details })
  }

  private sealed(choice: number, value: TextPart | ToolCall): void {
    const details = detailsOf([value], () => true)
    if (details.length > 0) this.delta(choice, { reasoning_details: details })
  }

  // Calls.

  /** A call is shown once it has an id and a name: clients join their pieces, and take the first for the whole. */
  private beginCall(choice: number, known: PartDraft): void {
    if (known.value.kind !== 'tool-call') return
    const { value, index } = known
    const { id, name, custom } = value
    const written = known.pieces.join('')
    known.isWaiting = false
    known.hasInput = written !== ''
    known.pieces.length = 0
    if (isOld(value)) this.delta(choice, { function_call: { name, arguments: written } })
    else {
      const said = custom
        ? { type: 'custom', custom: { name, input: written } }
        : { type: 'function', function: { name, arguments: written } }
      const called = { index, id: id || `call_${this.context.newId()}`, ...said, ...sealFields(value) }
      this.delta(choice, { tool_calls: [called] })
    }
    if (value.seal) this.sealed(choice, value)
  }

  private inputOf(choice: number, { index }: PartDraft, value: ToolCall, text: string): void {
    if (isOld(value)) this.delta(choice, { function_call: { arguments: text } })
    else
      this.delta(choice, {
        tool_calls: [{ index, ...(value.custom ? { custom: { input: text } } : { function: { arguments: text } }) }],
      })
  }

  private amendCall(choice: number, known: PartDraft, value: ToolCall, { seal }: Amendment): void {
    if (known.isWaiting) {
      if (value.id !== '' && value.name !== '') this.beginCall(choice, known)
      return
    }
    if (!seal) return
    const fields = sealFields(value)
    if (fields.extra_content) this.delta(choice, { tool_calls: [{ index: known.index, ...fields }] })
    else this.sealed(choice, value)
  }

  /** Clients parse what they were given, so a call without arguments has none of them, and not nothing. */
  private endCall(choice: number, known: PartDraft, value: ToolCall): void {
    if (known.isWaiting) this.beginCall(choice, known)
    if (known.hasInput || value.custom) return
    known.hasInput = true
    this.inputOf(choice, known, value, '{}')
  }

  // The choice and the answer.

  private choice(index: number, first?: Part): ChoiceDraft {
    const known = this.choices.get(index)
    if (known) return known
    const draft = choiceDraft()
    this.choices.set(index, draft)
    const content = first?.kind === 'tool-call' ? null : ''
    this.delta(index, { role: 'assistant', content, refusal: null })
    return draft
  }

  private say(choice: number, draft: ChoiceDraft, text: string): void {
    draft.length += text.length
    this.writeChoice(choice, `{"content":${JSON.stringify(text)}}`)
  }

  private extra({ choice, extra, serviceTier }: Of<'extra'>): void {
    if (serviceTier !== undefined) this.later = { ...this.later, service_tier: serviceTier }
    if (extra.dialect !== own) return
    if (choice === undefined) {
      this.later = { ...this.later, ...extra.fields }
      return
    }
    const draft = this.choice(choice)
    const { message, ...rest } = extra.fields
    const said = fieldsOf(message)
    const news = Object.fromEntries(Object.entries(said).filter(([name, value]) => draft.rest[name] !== value))
    draft.rest = said
    this.writeChoice(choice, JSON.stringify(news), 'null', 'null', rest)
  }

  private finish(index: number, draft: ChoiceDraft, finish: Of<'finish'>['finish'] | undefined): void {
    if (draft.isFinished) return
    draft.isFinished = true
    for (const known of draft.parts.values())
      if (known.value.kind === 'tool-call') this.endCall(index, known, known.value)
    this.cite(index, draft)
    this.writeChoice(index, '{}', 'null', JSON.stringify(finishWord(finish, draft.calls > 0, this.isOwn)))
  }

  /** Places count in the whole text, which is known at the end. */
  private cite(index: number, draft: ChoiceDraft): void {
    const texts: TextPart[] = []
    let isCited = false
    for (const { value, offset, end } of draft.parts.values()) {
      if (value.kind !== 'text') continue
      isCited ||= value.citations !== undefined
      // Only how long it is matters.
      texts.push({ ...value, text: ' '.repeat(end - offset) })
    }
    if (!isCited) return
    const { annotations, citations } = writtenCitations(texts)
    if (annotations.length > 0) this.delta(index, { annotations })
    if (citations.length > 0) this.delta(index, { citations })
  }

  private delta(choice: number, delta: Fields): void {
    this.writeChoice(choice, JSON.stringify(delta))
  }

  private writeChoice(index: number, delta: string, logprobs = 'null', finish = 'null', rest?: Fields): void {
    const more = rest && Object.keys(rest).length > 0 ? `,${JSON.stringify(rest).slice(1, -1)}` : ''
    this.write(`[{"index":${index},"delta":${delta},"logprobs":${logprobs},"finish_reason":${finish}${more}}]`)
  }

  private write(choices: string, usage = 'null'): void {
    this.head ??= this.headOf()
    const later = this.later ? `,${JSON.stringify(this.later).slice(1, -1)}` : ''
    this.later = undefined
    const counted = this.asksUsage ? `,"usage":${usage}` : ''
    this.frames.push({ data: `${this.head}"choices":${choices}${later === ',' ? '' : later}${counted}}` })
  }

  /** What every chunk begins with. */
  private headOf(): string {
    const { createdS = this.context.createdS, model, serviceTier, extra } = this.start
    const head = JSON.stringify({
      id: idOf(this.start, this.isOwn, this.context),
      object: 'chat.completion.chunk',
      created: Math.floor(createdS),
      model: model || this.context.request.model,
      ...(serviceTier !== undefined && { service_tier: serviceTier }),
      ...(this.isOwn && plainIn(extra)),
    })
    return `${head.slice(0, -1)},`
  }
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Hosts repeat their words and numbers in every chunk, and tell the rest once. */
const plainIn = (extra: Extra | undefined): Fields =>
  Object.fromEntries(Object.entries(extra?.fields ?? {}).filter(([, value]) => isPlain(value)))

function objectsIn(extra: Extra | undefined): Fields | undefined {
  const objects = Object.entries(extra?.fields ?? {}).filter(([, value]) => !isPlain(value))
  return objects.length > 0 ? Object.fromEntries(objects) : undefined
}
