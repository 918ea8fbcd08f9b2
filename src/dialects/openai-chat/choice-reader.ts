import type { ChatEvent, Citation, Part, Seal } from '../../core/chat.ts'
import { mediaOfUrl } from '../media.ts'
import { type Fields, fieldsOf, isFields, listOf, rowOf, stringOf, textOf } from '../values.ts'
import { CallsReader, type EarlySeal } from './calls-reader.ts'
import { citationOf } from './citations.ts'
import { finishOf, own } from './finish.ts'
import { tokensOf } from './logprobs.ts'
import { echoing, sealOf, shellOf, type ThoughtsField } from './thoughts.ts'
import type { WireChoice, WireMessage } from './wire.ts'

const messageFields = new Set([
  'role',
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'tool_calls',
  'function_call',
  'annotations',
  'citations',
  'images',
  'audio',
  'executed_tools',
  'index',
  // Together's, another one in each chunk.
  'token_id',
])

const choiceFields = new Set(['index', 'delta', 'message', 'finish_reason', 'logprobs', 'usage', 'error'])

const serverTools: Readonly<Record<string, string>> = {
  search: 'web_search',
  browser_search: 'web_search',
  python: 'code_execution',
  code_interpreter: 'code_execution',
  visit: 'web_fetch',
  'browser.open': 'web_fetch',
}

/** The events of one choice. A whole message is read as the one delta that it could have been. */
export class ChoiceReader {
  isFinished = false
  private reason: string | undefined
  private readonly choice: number
  private readonly out: (event: ChatEvent) => void
  private parts = 0
  private text: number | undefined
  private refusal: number | undefined
  private audio: number | undefined
  /** Thoughts that came as plain text, and the latest entry of `reasoning_details`. */
  private thoughts: number | undefined
  private detail: { readonly part: number; readonly key: string; readonly isSummary: boolean } | undefined
  private readonly calls: CallsReader
  private readonly early: EarlySeal[] = []
  private textIsSealed = false
  private earlyCitations: Citation[] = []
  private readonly executed = new Map<unknown, Fields>()
  private rest: Record<string, unknown> = {}
  private readonly told = new Map<string, unknown>()

  constructor(choice: number, out: (event: ChatEvent) => void) {
    this.choice = choice
    this.out = out
    this.calls = new CallsReader({
      begin: (value) => this.begin(value),
      grow: (part, text) => this.grow(part, text),
      amend: (part, amendment) => this.amend(part, amendment),
      sealFor: (id) => this.takeEarly(id),
    })
  }

  read(wire: WireChoice, said: WireMessage | undefined | null): void {
    if (isFields(said)) this.readMessage(said)
    if (wire.logprobs) {
      const tokens = tokensOf(wire.logprobs)
      if (tokens && tokens.length > 0) this.out({ kind: 'logprobs', choice: this.choice, tokens })
    }
    for (const name in wire) {
      if (choiceFields.has(name)) continue
      const value = wire[name]
      if (this.isNews(name, value))
        this.out({ kind: 'extra', choice: this.choice, extra: { dialect: own, fields: { [name]: value } } })
    }
    if (typeof wire.finish_reason === 'string' && wire.finish_reason !== '') this.finish(wire.finish_reason)
  }

  /** Why it ended; the empty word where nobody said. Some hosts say it twice. */
  finish(written: string): void {
    if (this.isFinished) return
    this.isFinished = true
    this.reason = written
  }

  /** Says why it ended, once it is sure that no error follows. */
  tellFinish(): void {
    if (this.reason === undefined) return
    this.close()
    this.out({ kind: 'finish', choice: this.choice, finish: finishOf(this.reason, this.calls.count > 0) })
    this.reason = undefined
  }

  /** Sources of the whole answer belong to its text. */
  cite(citations: readonly Citation[]): void {
    if (this.text === undefined) this.earlyCitations.push(...citations)
    else for (const citation of citations) this.amend(this.text, { citation })
  }

  /** What waited for something that did not come. */
  close(): void {
    this.calls.begin()
    for (const item of this.executed.values()) this.beginExecuted(item)
    this.executed.clear()
    for (const { seal, shell, id } of this.early.splice(0)) this.beginHidden(seal, shell, id)
  }

  private readMessage(said: WireMessage): void {
    const { content, reasoning_details: details, tool_calls: calls } = said
    const thoughts = said.reasoning_content || said.reasoning
    if (Array.isArray(details) && details.length > 0) this.readDetails(listOf(details), said)
    else if (typeof thoughts === 'string' && thoughts !== '') {
      const isTwice = said.reasoning_content === said.reasoning
      this.think(thoughts, said.reasoning_content ? 'reasoning_content' : 'reasoning', isTwice && { isTwice })
    }
    if (said.executed_tools) this.readExecuted(listOf(said.executed_tools))
    if (typeof content === 'string') {
      if (content !== '') this.say(content)
    } else if (Array.isArray(content)) for (const part of content) this.readPart(part)
    if (typeof said.refusal === 'string' && said.refusal !== '') this.refuse(said.refusal)
    if (Array.isArray(calls))
      for (const [place, call] of calls.entries()) if (isFields(call)) this.calls.read(call, place)
    if (isFields(said.function_call)) this.calls.readOld(said.function_call)
    if (said.images) for (const image of listOf(said.images)) this.readImage(image)
    if (isFields(said.audio)) this.readAudio(said.audio)
    if (said.annotations || said.citations) this.readAnnotations(said)
    for (const name in said) if (!messageFields.has(name)) this.keep(name, said[name])
  }

  private begin(value: Part): number {
    this.calls.begin()
    const part = this.parts++
    this.out({ kind: 'begin', choice: this.choice, part, value })
    return part
  }

  private grow(part: number, text: string): void {
    this.out({ kind: 'grow', choice: this.choice, part, text })
  }

  private amend(part: number, amendment: Extract<ChatEvent, { kind: 'amend' }>['with']): void {
    this.out({ kind: 'amend', choice: this.choice, part, with: amendment })
  }

  private say(text: string): void {
    if (this.text !== undefined) {
      this.grow(this.text, text)
      return
    }
    this.text = this.begin({ kind: 'text', text })
    for (const citation of this.earlyCitations) this.amend(this.text, { citation })
    this.earlyCitations = []
    const early = this.takeEarly(undefined)
    if (early) this.sealText(this.text, early.seal, early.shell)
  }

  private refuse(text: string): void {
    if (this.refusal === undefined) this.refusal = this.begin({ kind: 'refusal', text })
    else this.grow(this.refusal, text)
  }

  private think(text: string, field: ThoughtsField, echo: object | false = false): void {
    if (this.thoughts !== undefined) this.grow(this.thoughts, text)
    else this.thoughts = this.begin({ kind: 'reasoning', text, extra: echoing({ field, ...echo }) })
  }

  private readPart(part: unknown): void {
    if (!isFields(part)) {
      if (typeof part === 'string' && part !== '') this.say(part)
      return
    }
    if (part.type === 'text') {
      const text = textOf(part.text)
      if (text !== '') this.say(text)
    } else if (part.type === 'thinking') {
      const text = thinkingOf(part.thinking)
      const isSaid = typeof part.closed === 'boolean'
      if (text !== '' || isSaid) this.think(text, 'thinking', isSaid && { closed: part.closed })
    } else if (part.type === 'refusal') this.refuse(textOf(part.refusal))
    else if (part.type === 'image_url') this.readImage(part)
    else this.begin({ kind: 'opaque', dialect: own, value: part })
  }

  private readDetails(details: readonly Fields[], said: WireMessage): void {
    const written = said.reasoning_content || said.reasoning
    const beside = typeof written === 'string' && written !== '' ? written : undefined
    const field = said.reasoning_content ? 'reasoning_content' : beside === undefined ? undefined : 'reasoning'
    const tells = details.some(({ text, summary }) => !!text || !!summary)
    if (beside !== undefined && !tells) this.think(beside, field ?? 'reasoning')
    if (beside === undefined && tells && this.thoughts !== undefined && !this.detail && details.some(sealOf)) {
      this.sealThoughts(this.thoughts, details)
      return
    }
    for (const detail of details) {
      if (detail.type === 'reasoning.encrypted') this.readHidden(detail)
      else if (detail.type === 'reasoning.text' || detail.type === 'reasoning.summary')
        this.readDetail(detail, tells ? field : undefined)
      else this.begin({ kind: 'opaque', dialect: own, value: detail })
    }
  }

  /** Whoever has told thoughts as plain text repeats them with their seal. */
  private sealThoughts(part: number, details: readonly Fields[]): void {
    for (const detail of details) {
      const seal = sealOf(detail)
      const id = stringOf(detail.id) || undefined
      const shell = shellOf(detail)
      const echo = echoing(detail.type === 'reasoning.encrypted' ? { sealed: shell } : { detail: shell })
      this.amend(part, { ...(seal && { seal }), ...(id !== undefined && { id }), extra: echo })
    }
    this.thoughts = undefined
  }

  private readDetail(wire: Fields, field: ThoughtsField | undefined): void {
    const isSummary = wire.type === 'reasoning.summary'
    const text = textOf(wire.text ?? wire.summary)
    const seal = sealOf(wire)
    const id = stringOf(wire.id)
    const key = `${isSummary} ${textOf(wire.index)}`
    let open = this.detail
    if (open?.key === key) {
      if (text !== '') this.grow(open.part, text)
      if (seal) this.amend(open.part, { seal })
    } else {
      const part = this.begin({
        kind: 'reasoning',
        text,
        form: isSummary ? 'summary' : 'text',
        ...(id !== undefined && { id }),
        ...(seal && { seal }),
        extra: echoing({ detail: shellOf(wire), ...(field && { field }) }),
      })
      open = { part, key, isSummary }
    }
    // After its seal nothing is added to a thought.
    this.detail = seal ? { ...open, key: '' } : open
  }

  private readHidden(wire: Fields): void {
    const seal = sealOf(wire)
    const id = stringOf(wire.id) || undefined
    const shell = shellOf(wire)
    if (!seal) this.begin({ kind: 'opaque', dialect: own, value: wire })
    else if (seal.by === 'gemini') this.readGeminiSeal(seal, shell, id)
    else if (this.detail?.isSummary && this.detail.key === `true ${textOf(wire.index)}`) {
      this.amend(this.detail.part, { seal, ...(id && { id }), extra: echoing({ sealed: shell }) })
      this.detail = undefined
    } else this.beginHidden(seal, shell, id)
  }

  private readGeminiSeal(seal: Seal, shell: Fields, id: string | undefined): void {
    if (id !== undefined) {
      const call = this.calls.partOf(id)
      if (call !== undefined) this.amend(call, { seal, extra: echoing({ sealed: shell }) })
      else this.early.push({ seal, shell, id })
    } else if (this.text !== undefined && !this.textIsSealed) this.sealText(this.text, seal, shell)
    else this.early.push({ seal, shell, id })
  }

  private takeEarly(id: string | undefined): EarlySeal | undefined {
    const place = this.early.findIndex((one) => one.id === id)
    return place < 0 ? undefined : this.early.splice(place, 1)[0]
  }

  private sealText(part: number, seal: Seal, shell: Fields): void {
    this.textIsSealed = true
    this.amend(part, { seal, extra: echoing({ sealed: shell }) })
  }

  private beginHidden(seal: Seal, shell: Fields, id: string | undefined): void {
    this.begin({
      kind: 'reasoning',
      text: '',
      redacted: true,
      ...(id !== undefined && { id }),
      seal,
      extra: echoing({ sealed: shell }),
    })
  }

  private readImage(image: Fields): void {
    const { image_url: written } = image
    const url = typeof written === 'string' ? written : stringOf(fieldsOf(written).url)
    if (url) this.begin({ kind: 'image', source: mediaOfUrl(url) })
  }

  private readAudio({ id, data, transcript, expires_at: expires }: Fields): void {
    const sound = textOf(data)
    const said = textOf(transcript)
    if (this.audio === undefined) {
      if (!id && sound === '' && said === '') return
      this.audio = this.begin({
        kind: 'audio',
        source: { kind: 'data', mediaType: soundType(sound), data: sound },
        ...(said !== '' && { transcript: said }),
        extra: echoing({ ...(id ? { id } : {}), ...(expires ? { expires_at: expires } : {}) }),
      })
      return
    }
    if (sound !== '') this.grow(this.audio, sound)
    if (said !== '') this.amend(this.audio, { transcript: said })
    if (expires) this.amend(this.audio, { extra: echoing({ expires_at: expires }) })
  }

  private readAnnotations({ annotations, citations }: WireMessage): void {
    const others: Fields[] = []
    for (const annotation of listOf(annotations)) {
      const citation = citationOf(annotation)
      if (citation) this.cite([citation])
      else others.push(annotation)
    }
    if (others.length > 0) this.keep('annotations', others)
    if (citations) {
      const written = listOf(citations).map((value) => citationOf({ type: 'file_citation', ...value }))
      this.cite(written.filter((citation) => citation !== undefined))
    }
  }

  /** Groq tells a tool that it runs when it begins, and once more with what came of it. */
  private readExecuted(items: readonly Fields[]): void {
    for (const item of items) {
      const known = this.executed.get(item.index)
      const whole = known ? { ...known, ...item } : item
      if (whole.output === undefined) this.executed.set(item.index, whole)
      else {
        this.executed.delete(item.index)
        this.beginExecuted(whole)
      }
    }
  }

  private beginExecuted(value: Fields): void {
    const name = rowOf(serverTools, value.type) ?? textOf(value.type)
    const phase = value.output === undefined ? 'call' : 'result'
    this.begin({ kind: 'server-tool', phase, name, dialect: own, value })
  }

  private keep(name: string, value: unknown): void {
    if (!this.isNews(`message ${name}`, value)) return
    Object.defineProperty(this.rest, name, { value, enumerable: true, writable: true, configurable: true })
    const message = { ...this.rest }
    this.out({ kind: 'extra', choice: this.choice, extra: { dialect: own, fields: { message } } })
  }

  /** Whether it says anything, and anything new: hosts repeat the same in every chunk. */
  private isNews(name: string, value: unknown): boolean {
    if (value === undefined || value === null || value === '') return false
    if (typeof value === 'object' && Object.keys(value).length === 0) return false
    if (this.told.get(name) === value) return false
    this.told.set(name, value)
    return true
  }
}

const thinkingOf = (thinking: unknown): string =>
  typeof thinking === 'string'
    ? thinking
    : listOf(thinking)
        .map(({ text }) => textOf(text))
        .join('')

/** What a sound is by its first bytes: the answer does not say. OpenAI streams bare samples. */
const soundType = (data: string): string =>
  data.startsWith('UklG') ? 'audio/wav' : /^(SUQz|\/\/[tuv])/.test(data) ? 'audio/mpeg' : 'audio/pcm'
