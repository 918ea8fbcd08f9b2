import {
  type ChatEvent,
  type Citation,
  type Extra,
  type Finish,
  mergeExtra,
  type Part,
  type TokenLogprob,
} from '../../core/chat.ts'
import { amended, grown } from '../../core/chat-events.ts'
import type { Step } from '../../core/steps.ts'
import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import { type Fields, isFields, present } from '../values.ts'
import { groundingOf } from './citations.ts'
import { clientRules } from './encode-answer.ts'
import { type WirePart, wireParts } from './encode-part.ts'
import { wireReasonOf } from './finish.ts'
import { logprobsResultOf } from './logprobs.ts'
import { signatureOf } from './seals.ts'
import { wireUsageOf } from './usage.ts'
import { echoOf, isOwn, own, withExtra } from './wire.ts'

/** A part on its way out. Texts go out as they come, everything else once it is whole. */
interface Draft {
  value: Part
  /** What came since, joined once. */
  pieces: string[]
  hasEnded: boolean
  /** Whether it is a text whose beginning has gone out. */
  flows: boolean
  /** For texts: as they went out, with what is cited in them. */
  readonly cited: CitedText | undefined
}

interface CitedText {
  readonly said: string[]
  readonly citations: Citation[]
}

interface OpenChoice {
  readonly drafts: Map<number, Draft>
  /** Parts that have not gone out, in order: a call has to be whole before what comes after it. */
  readonly waiting: Draft[]
  finish: Finish | undefined
  extra: Extra | undefined
  readonly logprobs: TokenLogprob[]
  readonly texts: CitedText[]
}

export function encodeStream(context: AnswerContext): Step<ChatEvent, Frame> {
  const writing = new AnswerWriting(context)
  return {
    next: (event) => writing.take(event),
    end: () => writing.end(),
  }
}

const none: readonly Frame[] = []

class AnswerWriting {
  private readonly context: AnswerContext
  private readonly choices = new Map<number, OpenChoice>()
  private readonly frames: Frame[] = []
  private start: Extract<ChatEvent, { kind: 'start' }> = { kind: 'start' }
  private usage: Usage | undefined
  private reported: unknown
  private extra: Extra | undefined
  private id: string | undefined
  /** What each chunk says of the answer, as JSON, after its candidates. */
  private tail: string | undefined

  constructor(context: AnswerContext) {
    this.context = context
  }

  take(event: ChatEvent): readonly Frame[] {
    switch (event.kind) {
      case 'start':
        this.start = event
        return none
      case 'begin':
        this.begin(event.choice, event.part, event.value)
        break
      case 'grow':
        this.grow(event.choice, event.part, event.text)
        break
      case 'amend':
        this.amend(event)
        break
      case 'end': {
        const choice = this.choice(event.choice)
        const draft = choice.drafts.get(event.part)
        if (draft) draft.hasEnded = true
        this.flush(event.choice, choice, false)
        break
      }
      case 'logprobs':
        for (const token of event.tokens) this.choice(event.choice).logprobs.push(token)
        return none
      case 'finish':
        this.choice(event.choice).finish = event.finish
        return none
      case 'usage':
        this.usage = event.usage
        if (event.reported !== undefined) this.reported = event.reported
        return none
      case 'extra':
        if (event.choice === undefined) this.extra = mergeExtra(this.extra, event.extra)
        else {
          const choice = this.choice(event.choice)
          choice.extra = mergeExtra(choice.extra, event.extra)
        }
        return none
    }
    return this.taken()
  }

  /** The last chunk says why each choice ended, where it comes from, and what it cost. */
  end(): readonly Frame[] {
    for (const [index, choice] of this.choices) this.flush(index, choice, true)
    const goesBack = this.goesBack
    const candidates = [...this.choices].map(([index, choice]) => lastOf(index, choice, goesBack))
    const body: Record<string, unknown> = {
      ...(candidates.length > 0 && { candidates }),
      ...present({
        usageMetadata: goesBack && isFields(this.reported) ? this.reported : this.usage && wireUsageOf(this.usage),
      }),
      ...this.named(),
    }
    this.frames.push({ data: JSON.stringify(withExtra(body, mergeExtra(this.start.extra, this.extra))) })
    return this.taken()
  }

  private get goesBack(): boolean {
    return isOwn(this.start.extra)
  }

  private taken(): readonly Frame[] {
    return this.frames.length === 0 ? none : this.frames.splice(0)
  }

  private choice(index: number): OpenChoice {
    let choice = this.choices.get(index)
    if (!choice) {
      choice = { drafts: new Map(), waiting: [], finish: undefined, extra: undefined, logprobs: [], texts: [] }
      this.choices.set(index, choice)
    }
    return choice
  }

  private begin(index: number, part: number, value: Part): void {
    const choice = this.choice(index)
    const isSpoken = value.kind === 'text' || value.kind === 'refusal' || value.kind === 'reasoning'
    const cited = value.kind === 'text' ? { said: [], citations: [...(value.citations ?? [])] } : undefined
    if (cited) choice.texts.push(cited)
    const draft: Draft = { value, pieces: [], hasEnded: false, flows: false, cited }
    // What came before is over; calls alone grow in turns.
    const before = choice.waiting.at(-1)
    if (before && before.value.kind !== 'tool-call') before.hasEnded = true
    choice.drafts.set(part, draft)
    if (choice.waiting.length > 0 || !isSpoken) {
      choice.waiting.push(draft)
      this.flush(index, choice, false)
      return
    }
    this.flow(index, draft)
  }

  /** The beginning of a text goes out, and from now on every piece of it. */
  private flow(index: number, draft: Draft): void {
    draft.flows = true
    const value = draft.pieces.length === 0 ? draft.value : grown(draft.value, draft.pieces.join(''))
    draft.pieces = []
    for (const wire of wireParts(value, clientRules)) this.send(index, wire)
    if (value.kind === 'text') draft.cited?.said.push(value.text)
  }

  private grow(index: number, part: number, text: string): void {
    const choice = this.choice(index)
    const draft = choice.drafts.get(part)
    if (!draft || text === '') return
    if (!draft.flows) {
      draft.pieces.push(text)
      return
    }
    const thought = draft.value.kind === 'reasoning'
    this.frames.push({
      data: `${head}{"text":${JSON.stringify(text)}${thought ? ',"thought":true' : ''}}${this.tailOf(index)}`,
    })
    draft.cited?.said.push(text)
  }

  private amend({ choice: index, part, with: amendment }: Extract<ChatEvent, { kind: 'amend' }>): void {
    const choice = this.choice(index)
    const draft = choice.drafts.get(part)
    if (!draft) return
    const { citation } = amendment
    if (citation) draft.cited?.citations.push(citation)
    if (!draft.flows) {
      draft.value = amended(draft.value, amendment)
      return
    }
    if (draft.value.kind === 'reasoning' && amendment.id !== undefined)
      draft.value = { ...draft.value, id: amendment.id }
    const { seal } = amendment
    const thought = draft.value.kind === 'reasoning' ? draft.value : undefined
    if (!seal || (seal.by !== own && !thought)) return
    // A seal that is learnt after its text goes out with an empty one.
    const thoughtSignature = signatureOf(seal, thought)
    this.send(index, { text: '', ...(thought && { thought: true }), thoughtSignature })
  }

  /** Sends what is whole, up to the first part that may still grow. */
  private flush(index: number, choice: OpenChoice, isOver: boolean): void {
    while (choice.waiting.length > 0) {
      const draft = choice.waiting[0] as Draft
      const { kind } = draft.value
      if (kind === 'text' || kind === 'refusal' || kind === 'reasoning') {
        choice.waiting.shift()
        this.flow(index, draft)
        continue
      }
      const grows = kind === 'tool-call' || kind === 'audio'
      if (grows && !draft.hasEnded && !isOver) return
      choice.waiting.shift()
      const value = draft.pieces.length === 0 ? draft.value : grown(draft.value, draft.pieces.join(''))
      draft.pieces = []
      for (const wire of wireParts(value, clientRules)) this.send(index, wire)
    }
  }

  private send(index: number, wire: WirePart): void {
    this.frames.push({ data: `${head}${JSON.stringify(wire)}${this.tailOf(index)}` })
  }

  private tailOf(index: number): string {
    this.tail ??= JSON.stringify(this.named())
      .replace(/^\{(?!\})/, ',')
      .replace(/^\{/, '')
    return `],"role":"model"},"index":${index}}]${this.tail}`
  }

  private named(): Fields {
    const { id, model, extra } = this.start
    this.id ??= this.context.answerId ?? id ?? (this.goesBack ? undefined : this.context.newId())
    return present({
      createTime: echoOf(extra, 'createTime'),
      modelVersion: model ?? (this.goesBack ? undefined : this.context.request.model),
      responseId: this.id,
    })
  }
}

/** How every chunk of a text begins. Chunks come in hundreds, and only the text differs. */
const head = '{"candidates":[{"content":{"parts":['

function lastOf(index: number, { finish, extra, logprobs, texts }: OpenChoice, goesBack: boolean): Fields {
  // Clients look for a text even where nothing more is said.
  const candidate: Record<string, unknown> = { content: { parts: [{ text: '' }], role: 'model' } }
  if (finish) {
    candidate.finishReason = wireReasonOf(finish, goesBack)
    withExtra(candidate, finish.extra)
  }
  candidate.index = index
  const grounding = isOwn(extra)
    ? undefined
    : groundingOf(texts.map(({ said, citations }) => ({ text: said.join(''), citations })))
  if (grounding) candidate.groundingMetadata = grounding
  if (logprobs.length > 0) candidate.logprobsResult = logprobsResultOf(logprobs)
  return withExtra(candidate, extra)
}
