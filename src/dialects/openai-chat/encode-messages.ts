import type { ChatRequest, Message, Part, ReasoningPart, Seal, ToolCall, ToolResult } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { allowedId, nineLetters } from '../ids.ts'
import { type Placed, pairedMessages, placed } from '../pairs.ts'
import { type Fields, fieldsOf } from '../values.ts'
import { writtenCitations } from './citations.ts'
import { imageOf, isOld, sealFields, thinkingOf } from './encode-answer.ts'
import { asContent, cacheFields, contentOf, type Dropped, type Encoding, partOf } from './encode-parts.ts'
import { own } from './finish.ts'
import { detailsOf, echoOf, isDetail, needsDetails } from './thoughts.ts'

export function messagesOf(request: ChatRequest, abilities: Abilities, dropped: Dropped): readonly Fields[] {
  const isOwn = request.extra?.dialect === own
  const messages = isOwn ? placed(request.messages) : pairedMessages(request.messages)
  return new MessagesWriter(abilities, dropped, isOwn).write(messages)
}

class MessagesWriter {
  private readonly abilities: Abilities
  private readonly dropped: Dropped
  /** Whether the client speaks this dialect too. */
  private readonly isOwn: boolean
  private readonly out: Fields[] = []
  /** Pictures and files in results of tools, for which there is no place but after them. */
  private shown: Fields[] = []
  /** The names of calls by their ids. */
  private readonly names = new Map<string, string>()
  private hasTalked = false

  constructor(abilities: Abilities, dropped: Dropped, isOwn: boolean) {
    this.abilities = abilities
    this.dropped = dropped
    this.isOwn = isOwn
  }

  write(messages: readonly Placed[]): readonly Fields[] {
    const last = messages.at(-1)
    const isCut = this.abilities.prefill === false && last?.message.role === 'assistant'
    if (isCut) this.dropped.add(`messages[${last.index}]`)
    for (const one of isCut ? messages.slice(0, -1) : messages) this.writeOne(one)
    this.showMedia()
    return this.out
  }

  private writeOne({ message, index }: Placed): void {
    const { role, name, extra } = message
    const encoding = { abilities: this.abilities, dropped: this.dropped, place: `messages[${index}]` }
    if (role !== 'tool') this.showMedia()
    const isOwnExtra = extra?.dialect === own
    if (extra && !isOwnExtra) for (const field of Object.keys(extra.fields)) this.dropped.add(field)
    const { prefix, partial, reasoning_content: empty } = (isOwnExtra && extra?.echo) || {}
    const common = {
      ...(empty !== undefined && this.abilities.unknownFields !== false && { reasoning_content: empty }),
      ...(name !== undefined && { name }),
      ...(isOwnExtra && extra?.fields),
      ...(prefix !== undefined && { prefix }),
      ...(partial !== undefined && { partial }),
    }
    const parts = isOwnExtra && extra?.echo?.isCacheOutside ? unmarked(message.parts) : message.parts
    const outside = parts === message.parts ? {} : cacheFields(message.parts.at(-1) ?? {}, this.abilities, this.dropped)
    switch (role) {
      case 'system':
      case 'developer':
        this.out.push({ role: this.instructionsRole(role), content: contentOf(parts, encoding), ...common, ...outside })
        return
      case 'user':
        this.out.push({ role, content: contentOf(parts, encoding), ...common, ...outside })
        break
      case 'assistant':
        this.out.push({ role, ...this.assistant(parts, encoding), ...common, ...outside })
        break
      case 'tool':
        for (const part of parts)
          if (part.kind === 'tool-result') this.result(part, message, encoding, { ...common, ...outside })
    }
    this.hasTalked = true
  }

  private instructionsRole(role: 'system' | 'developer'): string {
    if (this.abilities.instructionsField === false) return 'user'
    if (this.hasTalked && this.abilities.systemMidway === false) return 'user'
    return this.abilities.instructions ?? role
  }

  // What the assistant said.

  private assistant(parts: readonly Part[], encoding: Encoding): Fields {
    const calls = parts.filter((part) => part.kind === 'tool-call')
    const wires = calls.map((call) => this.callOf(call, encoding))
    const old = this.isOwn ? calls.find(isOld) : undefined
    const refusal = parts.flatMap((part) => (part.kind === 'refusal' ? [part.text] : [])).join('')
    const audio = parts.find((part) => part.kind === 'audio')
    const images = this.isOwn
      ? parts.flatMap((part, at) => (part.kind === 'image' ? imageOf(part.source, at) : []))
      : []
    const served = parts.flatMap((part) => (part.kind === 'server-tool' && this.isTaken(part) ? [part.value] : []))
    const { annotations, citations } = this.isOwn ? writtenCitations(parts) : { annotations: [], citations: [] }
    for (const part of parts) this.name(part, encoding)
    return {
      content: this.spoken(parts, encoding),
      ...(refusal !== '' && { refusal }),
      ...this.thoughts(parts, encoding),
      ...(old
        ? { function_call: { name: old.name, arguments: old.arguments } }
        : wires.length > 0 && { tool_calls: wires }),
      ...(audio?.source.kind === 'file' && audio.source.dialect === own && { audio: { id: audio.source.id } }),
      ...(images.length > 0 && { images }),
      ...(served.length > 0 && { executed_tools: served }),
      ...(annotations.length > 0 && { annotations }),
      ...(citations.length > 0 && { citations }),
    }
  }

  private isTaken({ dialect }: { readonly dialect: string }): boolean {
    return this.isOwn && dialect === own
  }

  /** What of an answer has no place in a request of this dialect. */
  private name(part: Part, { dropped, place }: Encoding): void {
    const isLost =
      (part.kind === 'image' && !this.isOwn) ||
      (part.kind === 'audio' && !(part.source.kind === 'file' && part.source.dialect === own)) ||
      ((part.kind === 'server-tool' || part.kind === 'opaque') && !this.isTaken(part)) ||
      part.kind === 'video'
    if (isLost) dropped.add(`${place}.${part.kind}`)
  }

  /** The pieces of one answer are one text; only a client of this dialect may have meant them apart. */
  private spoken(parts: readonly Part[], encoding: Encoding): unknown {
    const wires = parts.flatMap((part): readonly Fields[] => {
      if (part.kind === 'text') return partOf(part, encoding)
      if (part.kind === 'opaque' && this.isTaken(part)) return isDetail(part.value) ? [] : [part.value as Fields]
      const echo = part.kind === 'reasoning' && this.keepsForm(part) ? echoOf(part) : undefined
      return echo?.field === 'thinking' && part.kind === 'reasoning'
        ? [thinkingOf(part.text, echo.closed === false ? false : undefined)]
        : []
    })
    if (wires.length === 0)
      return parts.some(({ kind }) => kind === 'tool-call' || kind === 'refusal' || kind === 'audio') ? null : ''
    const isPlain = !this.isOwn && wires.every((wire) => wire.type === 'text' && Object.keys(wire).length === 2)
    return isPlain ? wires.map(({ text }) => text).join('') : asContent(wires)
  }

  /** Thoughts go back as they came, or as the host wants them; OpenAI itself refuses them. */
  private thoughts(parts: readonly Part[], { dropped, place }: Encoding): Fields {
    const { thoughtsField, wantsThoughts } = this.abilities
    const field = thoughtsField ?? (wantsThoughts ? 'reasoning_content' : undefined)
    const thoughts = parts.filter((part) => part.kind === 'reasoning')
    if (field === 'reasoning_details') {
      const details = [...detailsOf(parts, (seal) => this.takes(seal)), ...this.callSeals(parts)]
      return details.length > 0 ? { reasoning_details: details } : {}
    }
    if (field !== undefined) {
      const text = thoughts.map((part) => part.text).join('')
      if (thoughts.some(({ redacted }) => redacted)) dropped.add(`${place}.reasoning`)
      // DeepSeek refuses calls without the thoughts before them; empty ones it takes.
      return text === '' && !parts.some(({ kind }) => kind === 'tool-call') ? {} : { [field]: text }
    }
    const kept = thoughts.filter((part) => this.keepsForm(part))
    if (kept.length < thoughts.length) dropped.add(`${place}.reasoning`)
    const fields: Record<string, string> = {}
    for (const part of kept) {
      const written = echoOf(part)?.field
      if (!written || written === 'thinking') continue
      fields[written] = (fields[written] ?? '') + part.text
      if (echoOf(part)?.isTwice) fields.reasoning = (fields.reasoning ?? '') + part.text
    }
    const others =
      this.isOwn && this.abilities.unknownFields !== false ? parts.filter(({ kind }) => kind !== 'reasoning') : []
    const detailed = [...kept, ...others]
    return { ...fields, ...(needsDetails(detailed) && { reasoning_details: detailsOf(detailed, () => true) }) }
  }

  private keepsForm(part: ReasoningPart): boolean {
    const { thoughtsField, wantsThoughts, unknownFields, callIds } = this.abilities
    const echo = this.isOwn && !thoughtsField && !wantsThoughts ? echoOf(part) : undefined
    // Mistral, whose ids have nine letters, knows its own form and no other.
    return echo !== undefined && (unknownFields !== false || (echo.field === 'thinking' && callIds === 'nine'))
  }

  /** OpenRouter's entries name the owner of a seal, and it is passed on to nobody else. */
  private takes({ by }: Seal): boolean {
    return this.abilities.seals === undefined || this.abilities.seals === by
  }

  /** Gemini's signatures on calls, where its host wants them among the thoughts. */
  private callSeals(parts: readonly Part[]): readonly Fields[] {
    return parts.flatMap((part) =>
      part.kind === 'tool-call' && part.seal?.by === 'gemini' && this.takes(part.seal) && !echoOf(part)?.sealed
        ? [
            {
              type: 'reasoning.encrypted',
              data: part.seal.value,
              id: this.idOf(part.id),
              format: 'google-gemini-v1',
              index: 0,
            },
          ]
        : [],
    )
  }

  private callOf(call: ToolCall, { abilities, dropped }: Encoding): Fields {
    this.names.set(call.id, call.name)
    const { thoughtsField, seals, unknownFields } = abilities
    const isSealed = seals === 'gemini' || (this.isOwn && unknownFields !== false && seals === undefined)
    const common = { id: this.idOf(call.id), ...cacheFields({ cache: call.cache }, abilities, dropped) }
    if (call.custom) return { ...common, type: 'custom', custom: { name: call.name, input: call.arguments } }
    return {
      ...common,
      type: 'function',
      function: { name: call.name, arguments: call.arguments || '{}' },
      ...(isSealed && thoughtsField !== 'reasoning_details' && sealFields(call)),
    }
  }

  /** OpenAI takes forty characters; compatible hosts hide all sorts of things in theirs. */
  private idOf(id: string): string {
    if (this.abilities.callIds === 'nine') return nineLetters(id)
    return this.abilities.unknownFields === false ? allowedId(id, /^/, 40) : id
  }

  // What tools answered.

  private result(result: ToolResult, message: Message, encoding: Encoding, common: Fields): void {
    const { place, dropped, abilities } = encoding
    if (result.isError) dropped.add(`${place}.isError`)
    if (this.isOwn && message.extra?.dialect === own && message.extra.echo?.role === 'function') {
      this.out.push({
        role: 'function',
        name: result.name ?? result.callId,
        content: contentOf(result.parts, encoding),
        ...common,
      })
      return
    }
    const id = result.callId
    const wires = result.parts.flatMap((part) => partOf(part, encoding))
    const hadMedia = this.isOwn && fieldsOf(result.extra?.echo).hasMedia === true
    const inPlace = abilities.mediaInResults ?? hadMedia
    const texts = inPlace ? wires : wires.filter(({ type }) => type === 'text')
    const media = inPlace ? [] : wires.filter(({ type }) => type !== 'text')
    const name = result.name || this.names.get(id) || id
    if (media.length > 0) this.shown.push({ type: 'text', text: `From the result of ${name}:` }, ...media)
    const content = texts.length === 0 && media.length > 0 ? '(shown in the next message)' : asContent(texts)
    this.out.push({
      role: 'tool',
      tool_call_id: this.idOf(id),
      content,
      ...common,
      ...cacheFields(result, abilities, dropped),
    })
  }

  private showMedia(): void {
    if (this.shown.length === 0) return
    this.out.push({ role: 'user', content: this.shown })
    this.shown = []
  }
}

function unmarked(parts: readonly Part[]): readonly Part[] {
  const last = parts.at(-1)
  if (!last) return parts
  const { cache: _, ...rest } = last
  return [...parts.slice(0, -1), rest as Part]
}
