import {
  type Amendment,
  type ChatAnswer,
  type ChatEvent,
  type Choice,
  type Citation,
  type Extra,
  type Finish,
  mergeExtra,
  type Part,
  type TokenLogprob,
} from './chat.ts'
import type { Usage } from './usage.ts'

/** Puts the events of a stream together to the answer that the same call would have given whole. */
export function assemble(events: Iterable<ChatEvent>): ChatAnswer {
  const assembly = new Assembly()
  for (const event of events) assembly.add(event)
  return assembly.answer()
}

/** An answer that grows event by event. */
export class Assembly {
  private start: Extract<ChatEvent, { kind: 'start' }> = { kind: 'start' }
  private usage: Usage | undefined
  private usageReported: unknown
  private extra: Extra | undefined
  private readonly choices = new Map<number, ChoiceDraft>()

  add(event: ChatEvent): void {
    switch (event.kind) {
      case 'start':
        this.start = { ...event, ...this.start }
        break
      case 'begin':
        this.choice(event.choice).parts.set(event.part, new PartDraft(event.value))
        break
      case 'grow':
        this.choice(event.choice).parts.get(event.part)?.pieces.push(event.text)
        break
      case 'amend':
        this.choice(event.choice).parts.get(event.part)?.amend(event.with)
        break
      case 'end':
        break
      case 'logprobs': {
        const draft = this.choice(event.choice)
        draft.logprobs ??= []
        for (const token of event.tokens) draft.logprobs.push(token)
        break
      }
      case 'finish':
        this.choice(event.choice).finish = event.finish
        break
      case 'usage':
        this.usage = event.usage
        if (event.reported !== undefined) this.usageReported = event.reported
        break
      case 'extra': {
        if (event.serviceTier !== undefined) this.start = { serviceTier: event.serviceTier, ...this.start }
        if (event.choice === undefined) this.extra = mergeExtra(this.extra, event.extra)
        else {
          const draft = this.choice(event.choice)
          draft.extra = mergeExtra(draft.extra, event.extra)
        }
      }
    }
  }

  answer(): ChatAnswer {
    const { kind: _, extra: first, ...start } = this.start
    const extra = mergeExtra(first, this.extra)
    return {
      ...start,
      choices: [...this.choices].toSorted(([a], [b]) => a - b).map(([, draft]) => choiceOf(draft)),
      ...(this.usage && { usage: this.usage }),
      ...(this.usageReported !== undefined && { usageReported: this.usageReported }),
      ...(extra && { extra }),
    }
  }

  private choice(index: number): ChoiceDraft {
    let draft = this.choices.get(index)
    if (!draft) {
      draft = { parts: new Map(), finish: undefined, logprobs: undefined, extra: undefined }
      this.choices.set(index, draft)
    }
    return draft
  }
}

interface ChoiceDraft {
  readonly parts: Map<number, PartDraft>
  finish: Finish | undefined
  logprobs: TokenLogprob[] | undefined
  extra: Extra | undefined
}

class PartDraft {
  /** Texts are joined once, at the end: they come in hundreds of pieces. */
  readonly pieces: string[] = []
  private readonly citations: Citation[] = []
  private value: Part

  constructor(value: Part) {
    this.value = value
  }

  amend({ citation, ...amendment }: Amendment): void {
    if (citation) this.citations.push(citation)
    this.value = amended(this.value, amendment)
  }

  part(): Part {
    const whole = this.pieces.length === 0 ? this.value : grown(this.value, this.pieces.join(''))
    if (whole.kind !== 'text' || this.citations.length === 0) return whole
    return { ...whole, citations: [...(whole.citations ?? []), ...this.citations] }
  }
}

/** A part with what was learnt of it later. What does not fit its kind changes nothing. */
export function amended(part: Part, { citation, extra, transcript, value, ...rest }: Amendment): Part {
  const merged = mergeExtra(part.extra, extra)
  const common = merged ? { extra: merged } : {}
  switch (part.kind) {
    case 'text':
      return {
        ...part,
        ...common,
        ...(rest.seal && { seal: rest.seal }),
        ...(citation && { citations: [...(part.citations ?? []), citation] }),
      }
    case 'reasoning':
      return { ...part, ...common, ...(rest.seal && { seal: rest.seal }), ...(rest.id && { id: rest.id }) }
    case 'tool-call':
      return { ...part, ...common, ...rest }
    case 'audio':
      return { ...part, ...common, ...(transcript && { transcript: (part.transcript ?? '') + transcript }) }
    case 'server-tool':
    case 'opaque':
      return { ...part, ...common, ...(value !== undefined && { value }) }
    default:
      return { ...part, ...common }
  }
}

/** A part with more at its end. */
export function grown(part: Part, more: string): Part {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return { ...part, text: part.text + more }
    case 'tool-call':
      return { ...part, arguments: part.arguments + more }
    case 'audio':
      return part.source.kind === 'data' ? { ...part, source: { ...part.source, data: part.source.data + more } } : part
    default:
      return part
  }
}

function choiceOf({ parts, finish, logprobs, extra }: ChoiceDraft): Choice {
  const ordered = [...parts].toSorted(([a], [b]) => a - b).map(([, draft]) => draft.part())
  return {
    message: { role: 'assistant', parts: ordered },
    ...(finish && { finish }),
    ...(logprobs && { logprobs }),
    ...(extra && { extra }),
  }
}

/** The events of a stream that says what a whole answer says: for a client that asked to see it come. */
export function* disassemble(answer: ChatAnswer): Generator<ChatEvent> {
  const { choices, usage, usageReported, ...start } = answer
  yield { kind: 'start', ...start }
  for (const [choice, { message, finish, logprobs, extra }] of choices.entries()) {
    for (const [part, value] of message.parts.entries()) {
      yield { kind: 'begin', choice, part, value }
      yield { kind: 'end', choice, part }
    }
    if (logprobs) yield { kind: 'logprobs', choice, tokens: logprobs }
    const all = mergeExtra(message.extra, extra)
    if (all) yield { kind: 'extra', choice, extra: all }
    if (finish) yield { kind: 'finish', choice, finish }
  }
  if (usage) yield { kind: 'usage', usage, ...(usageReported !== undefined && { reported: usageReported }) }
}
