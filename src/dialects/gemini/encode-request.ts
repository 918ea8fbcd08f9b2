import type { ChatRequest, Extra } from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import type { Fields } from '../values.ts'
import {
  type Content,
  type ContentRules,
  contentsOf,
  isInstruction,
  ownContents,
  wireContents,
  withSentinels,
} from './contents.ts'
import { encodeSettings } from './encode-settings.ts'
import { encodeTools } from './encode-tools.ts'
import { isOwn, withExtra } from './wire.ts'

export function encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const dropped = new Set<string>()
  const drop = (what: string): void => {
    dropped.add(what)
  }
  const goesBack = isOwn(request.extra)
  const rules: ContentRules = {
    urls: abilities.urls !== false,
    resolution: abilities.thinkingLevels === true,
    mediaInResults: abilities.mediaInResults ?? abilities.thinkingLevels === true,
    mediaBesideResults: abilities.thinkingLevels === true,
    drop,
  }
  const { generationConfig, serviceTier, instruction } = encodeSettings(request, abilities, drop)
  const contents = goesBack ? ownContents(request.messages, rules) : contentsOf(request.messages, rules)
  const system = systemOf(request, instruction, drop)
  const inTurn = system !== undefined && abilities.instructionsField === false
  if (inTurn) atBeginning(contents, system)
  if (abilities.thinkingLevels) withSentinels(contents)
  if (abilities.prefill === false && contents.length > 1 && contents.at(-1)?.role === 'model') {
    contents.pop()
    drop('prefill')
  }
  foreignExtras(request, drop)
  // Gemini caches by itself what it has read before.
  if (hasCacheMarks(request)) drop('cache')
  const body: Record<string, unknown> = {
    contents: wireContents(contents),
    ...(system && !inTurn && { systemInstruction: system }),
    ...encodeTools(request, abilities, drop),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
    ...(serviceTier !== undefined && { serviceTier }),
  }
  return { body: withExtra(body, request.extra), dropped: [...dropped] }
}

/** There is one place for instructions, wherever in the conversation they were given. */
function systemOf(
  { messages }: ChatRequest,
  instruction: string | undefined,
  drop: (what: string) => void,
): Fields | undefined {
  const parts: Fields[] = []
  let extra: Extra | undefined
  let isSaid = false
  for (const [index, message] of messages.entries()) {
    if (!isInstruction(message)) continue
    isSaid ||= isOwn(message.extra)
    if (isOwn(message.extra)) extra = message.extra
    for (const part of message.parts) {
      if (part.kind !== 'text') drop(`messages[${index}].${part.kind}`)
      else if (part.text !== '' || isOwn(message.extra)) parts.push(withExtra({ text: part.text }, part.extra))
    }
  }
  if (instruction !== undefined) parts.push({ text: instruction })
  return parts.length === 0 && !isSaid ? undefined : withExtra({ parts }, extra)
}

/** Models without a place for instructions read them as the first words of the user. */
function atBeginning(contents: Content[], { parts }: Fields): void {
  const first = contents[0]
  const words = parts as Record<string, unknown>[]
  if (first?.role === 'user') first.parts.unshift(...words)
  else contents.unshift({ role: 'user', parts: [...words] })
}

const hasCacheMarks = ({ messages, tools }: ChatRequest): boolean =>
  tools.some((tool) => 'cache' in tool && tool.cache !== undefined) ||
  messages.some(({ parts }) => parts.some(({ cache }) => cache !== undefined))

/** What only the client's dialect knows has no place here. */
function foreignExtras({ extra, messages, reasoning }: ChatRequest, drop: (what: string) => void): void {
  const name = (one: Extra | undefined): void => {
    if (one && !isOwn(one)) for (const field of Object.keys(one.fields)) drop(field)
  }
  name(extra)
  name(reasoning?.extra)
  for (const [index, message] of messages.entries()) {
    if (message.name !== undefined && message.role !== 'tool') drop(`messages[${index}].name`)
    name(message.extra)
    for (const part of message.parts) name(part.extra)
  }
}
