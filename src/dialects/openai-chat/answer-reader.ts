import type { ChatEvent } from '../../core/chat.ts'
import type { Usage } from '../../core/usage.ts'
import { isFields, numberOf, textOf } from '../values.ts'
import { ChoiceReader } from './choice-reader.ts'
import { sourcesOf } from './citations.ts'
import { readDisguised } from './errors.ts'
import { own } from './finish.ts'
import { usageOf } from './usage.ts'
import { usageIn, type WireAnswer, type WireChoice, type WireMessage } from './wire.ts'

/** What is read, or says nothing. */
const read = new Set([
  'id',
  'object',
  'created',
  'model',
  'choices',
  'usage',
  'service_tier',
  'error',
  // Random letters that hide how long a token is, OpenAI's and Mistral's.
  'obfuscation',
  'p',
])

/** The events of an answer, whole or chunk by chunk. */
export class AnswerReader {
  readonly choices = new Map<number, ChoiceReader>()
  private readonly out: (event: ChatEvent) => void
  private hasStarted = false
  private hasTier = false
  private usage: Usage | undefined
  private reported: unknown
  private sources = 0
  private early: Record<string, unknown> = {}
  private readonly told = new Map<string, unknown>()

  constructor(out: (event: ChatEvent) => void) {
    this.out = out
  }

  /** `said` tells where the words of a choice stand. */
  read(answer: WireAnswer, said: (choice: WireChoice) => WireMessage | null | undefined): void {
    // OpenRouter, vLLM: an error under a good status.
    if ((answer.error !== undefined && answer.error !== null) || answer.object === 'error') throw errorIn(answer)
    const choices = Array.isArray(answer.choices) ? answer.choices : []
    const reported = usageIn(answer)
    this.readHead(answer, choices.length > 0 || reported !== undefined)
    for (let place = 0; place < choices.length; place++) {
      const choice = choices[place] as unknown
      if (isFields(choice)) this.readChoice(choice as WireChoice, place, said)
    }
    if (answer.citations || answer.search_results) this.readSources(answer)
    // OpenRouter tells an error after it has said twice why the answer ended.
    if (choices.length === 0 || reported !== undefined) this.tellFinishes()
    if (isFields(reported)) {
      this.usage = { ...this.usage, ...usageOf(reported) }
      this.reported = isFields(this.reported) ? { ...this.reported, ...reported } : reported
      this.out({ kind: 'usage', usage: this.usage, reported: this.reported })
    }
  }

  tellFinishes(): void {
    for (const choice of this.choices.values()) choice.tellFinish()
  }

  choice(index: number): ChoiceReader {
    let reader = this.choices.get(index)
    if (!reader) {
      reader = new ChoiceReader(index, this.out)
      this.choices.set(index, reader)
    }
    return reader
  }

  private readChoice(
    choice: WireChoice,
    place: number,
    said: (choice: WireChoice) => WireMessage | null | undefined,
  ): void {
    if (choice.error !== undefined && choice.error !== null) throw errorIn({ error: choice.error })
    const index = typeof choice.index === 'number' && choice.index >= 0 ? choice.index : place
    this.choice(index).read(choice, said(choice))
  }

  /** Azure's first chunk has neither id nor model: the first that has them, or says something, starts the answer. */
  private readHead(answer: WireAnswer, says: boolean): void {
    const tier = typeof answer.service_tier === 'string' ? answer.service_tier : ''
    const { id, model } = answer
    const starts = !this.hasStarted && (says || !!id || !!model)
    let news: Record<string, unknown> | undefined
    for (const name in answer) {
      if (read.has(name) || !this.isNews(name, answer[name])) continue
      news ??= starts ? this.early : {}
      Object.defineProperty(news, name, { value: answer[name], enumerable: true, configurable: true, writable: true })
    }
    if (starts) {
      this.hasStarted = true
      this.hasTier = tier !== ''
      const createdS = numberOf(answer.created)
      this.out({
        kind: 'start',
        ...(id ? { id: textOf(id) } : {}),
        ...(model ? { model: textOf(model) } : {}),
        ...(createdS !== undefined && { createdS }),
        ...(tier !== '' && { serviceTier: tier }),
        extra: { dialect: own, fields: this.early },
      })
      return
    }
    const isLate = tier !== '' && !this.hasTier
    if (!news && !isLate) return
    if (!this.hasStarted) {
      this.early = { ...this.early, ...news }
      return
    }
    this.hasTier ||= isLate
    this.out({ kind: 'extra', extra: { dialect: own, fields: news ?? {} }, ...(isLate && { serviceTier: tier }) })
  }

  private readSources({ citations, search_results: results }: WireAnswer): void {
    const sources = sourcesOf(citations, results)
    if (sources.length > this.sources) this.choice(0).cite(sources.slice(this.sources))
    this.sources = Math.max(this.sources, sources.length)
  }

  /** Hosts repeat the same in every chunk; lists of sources are the same as long as they are as long. */
  private isNews(name: string, value: unknown): boolean {
    if (value === undefined || value === null || value === '') return false
    const mark = Array.isArray(value) ? value.length : value
    if (mark === 0 || this.told.get(name) === mark) return false
    this.told.set(name, mark)
    return true
  }
}

const errorIn = (answer: WireAnswer) => readDisguised(Buffer.from(JSON.stringify(answer)))
