import type { ChatAnswer, ChatRequest, Extra, Finish, Part, TokenLogprob } from '../../core/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { allowedId, answerId } from '../ids.ts'
import { type Fields, present } from '../values.ts'
import { wireFormat } from './encode-settings.ts'
import { belongsTo, carriedSealsOf, carrierItem, idOf, saysSomething, shown, wireItem } from './output-items.ts'
import { isOwn, itemId, ownEcho, ownFields } from './own.ts'
import { wireChoice, wireTools } from './tools.ts'
import { wireUsage } from './usage.ts'

export function encodeAnswer(answer: ChatAnswer, context: AnswerContext): unknown {
  const { usage, usageReported, extra } = answer
  const isNative = isOwn(extra)
  const id = responseId(answer, context)
  const choice = answer.choices[0]
  const { status, details } = stateOf(choice?.finish)
  return {
    id,
    object: 'response',
    created_at: answer.createdS ?? context.createdS,
    status,
    error: null,
    incomplete_details: details,
    model: answer.model ?? context.request.model,
    output: outputOf(choice?.message.parts ?? [], idBase(id), isNative, choice?.logprobs),
    usage: isNative && usageReported !== undefined ? usageReported : wireUsage(usage),
    ...repeated(context, extra),
    ...(answer.serviceTier !== undefined && { service_tier: answer.serviceTier }),
  }
}

/** A provider of this dialect keeps its own ids; from others' one is made, always the same. */
export function responseId({ id, extra }: Pick<ChatAnswer, 'id' | 'extra'>, context: AnswerContext): string {
  if (context.answerId !== undefined) return context.answerId
  return isOwn(extra) && id ? id : answerId('resp_', id, context.newId)
}

const longestBase = 40

/** What the ids of an answer's items are made of. */
export const idBase = (id: string): string => allowedId(id.replace(/^resp_(tl_)?/, ''), /^[a-zA-Z0-9_-]+$/, longestBase)

export interface ResponseState {
  readonly status: string
  readonly details: unknown
}

export function stateOf(finish: Finish | undefined): ResponseState {
  const { status, incomplete_details: details } = ownEcho(finish?.extra)
  if (typeof status === 'string') return { status, details: details ?? null }
  if (finish?.reason === 'length') return { status: 'incomplete', details: { reason: 'max_output_tokens' } }
  if (finish?.reason === 'content_filter') return { status: 'incomplete', details: { reason: 'content_filter' } }
  return { status: 'completed', details: null }
}

function outputOf(
  all: readonly Part[],
  base: string,
  isNative: boolean,
  logprobs: readonly TokenLogprob[] = [],
): readonly Fields[] {
  const items: Fields[] = []
  const parts = all.flatMap((part) => shown(part) ?? []).filter((part) => isNative || saysSomething(part))
  let used = 0
  for (let at = 0; at < parts.length; at++) {
    const first = parts[at] as Part
    const together = [first]
    while (at + 1 < parts.length && belongsTo(first, parts[at + 1] as Part)) together.push(parts[++at] as Part)
    const told: (readonly TokenLogprob[])[] = []
    for (const part of used < logprobs.length ? together : []) {
      const end = part.kind === 'text' ? endOfText(part.text, logprobs, used) : used
      told.push(logprobs.slice(used, end))
      used = end
    }
    items.push(wireItem(together, idOf(first, base, items.length), isNative, told))
    for (const { seal, to } of carriedSealsOf(together))
      items.push(carrierItem(seal, to, itemId('rs', base, items.length)))
  }
  return items
}

/** Where the tokens that make up the text end. */
function endOfText(text: string, tokens: readonly TokenLogprob[], start: number): number {
  let length = 0
  let end = start
  while (end < tokens.length && length < text.length) length += (tokens[end++] as TokenLogprob).token.length
  return end
}

/** What a response says beside its answer: what its provider said, or else what the client asked for. */
export function repeated(context: AnswerContext, extra: Extra | undefined): Fields {
  return isOwn(extra) && (extra as Extra).echo
    ? { ...ownEcho(extra), ...ownFields(extra) }
    : { ...repeatedRequest(context.request), ...ownFields(extra) }
}

/** All of it is there, since the vendor's types promise it. */
export function repeatedRequest(request: ChatRequest): Fields {
  const { settings, reasoning, format, toolChoice, extra, messages } = request
  const fields = ownFields(extra)
  const tools = wireTools(request.tools, () => undefined)
  const [first] = messages
  const instructions =
    ownEcho(first?.extra).isInstructions === true && first?.parts[0]?.kind === 'text' ? first.parts[0].text : null
  const user = ownEcho(extra).userField === 'user' ? { user: settings.user } : { safety_identifier: settings.user }
  return {
    background: false,
    conversation: fields.conversation ?? null,
    instructions,
    max_output_tokens: settings.maxTokens ?? null,
    max_tool_calls: fields.max_tool_calls ?? null,
    metadata: settings.metadata ?? {},
    parallel_tool_calls: request.parallelToolCalls ?? true,
    previous_response_id: fields.previous_response_id ?? null,
    prompt_cache_key: settings.cacheKey ?? null,
    reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.summary ?? null },
    service_tier: settings.serviceTier ?? null,
    store: settings.store ?? true,
    temperature: settings.temperature ?? null,
    text: present({ format: format ? wireFormat(format) : { type: 'text' }, verbosity: settings.verbosity }),
    tool_choice: ownEcho(extra).tool_choice ?? (toolChoice ? wireChoice(toolChoice, tools) : 'auto'),
    tools,
    top_logprobs: settings.logprobs ?? null,
    top_p: settings.topP ?? null,
    truncation: fields.truncation ?? 'disabled',
    ...present(settings.user === undefined ? {} : user),
  }
}
