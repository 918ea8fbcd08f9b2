/** A request asks every provider for what it asks its own, and what the other cannot take is named. */
import type { Abilities } from '../../../src/dialects/dialect.ts'
import { type Chat, dialectOf } from './formats.ts'
import { type Asked, askedOf } from './oracle/asked.ts'
import { differences } from './same.ts'
import { notApplicable, type Verdict, verdictOf } from './verdict.ts'

/** The wire formats that providers are asked in. */
export const targets = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'bedrock-converse'] as const
export type Target = (typeof targets)[number]

/** Dialects whose requests are those of another. */
const spoken: Readonly<Record<string, string>> = {
  'vertex-anthropic': 'anthropic-messages',
  'bedrock-invoke': 'anthropic-messages',
}

export const abilities: Abilities = {
  urls: true,
  mediaInResults: true,
  prefill: true,
  systemMidway: false,
  unknownFields: false,
}

export function requestAcross(chat: Chat, target: Target): Verdict {
  const { exchange, speaker, dialect } = chat
  const body = exchange.request.body
  if (body === null) return notApplicable('the request was not kept')
  const [from, to] = [askedOf[spoken[dialect] ?? dialect], dialectOf(target)]
  if (!from) return notApplicable(`nobody reads requests of ${dialect}`)
  if (!to) return notApplicable(`the dialect ${target} is not written yet`)
  if (dialect === target) return notApplicable('the same wire format: a round trip')
  const wanted = from(body)
  const request = speaker.decodeRequest(body, { model: exchange.model ?? '', stream: exchange.streaming })
  const { body: written, dropped } = to.encodeRequest(request, abilities)
  const read = (askedOf[target] as (body: unknown) => Asked)(JSON.parse(JSON.stringify(written)))
  return verdictOf(lossesIn(wanted, read, target, dropped))
}

function lossesIn(wanted: Asked, read: Asked, target: Target, dropped: readonly string[]): readonly string[] {
  const isNamed = (name: string) => dropped.some((one) => one === name || one.startsWith(`${name}.`))
  const losesMedia = dropped.some((name) => /\.(image|audio|video|document)$/.test(name))
  const setting = (name: 'temperature' | 'topP' | 'topK' | 'stop') =>
    isNamed(name) && read[name] === undefined ? [] : differences(read[name], clamped(name, wanted[name], target), name)
  return [
    ...differences(read.system, wanted.system, 'system'),
    ...differences(read.said, wanted.said, 'said'),
    ...(losesMedia ? [] : differences(read.media, wanted.media, 'media')),
    ...differences(read.tools, wanted.tools, 'tools'),
    ...(isNamed('toolChoice') || wanted.tools.length === 0 ? [] : differences(read.choice, wanted.choice, 'choice')),
    ...(isNamed('format') ? [] : differences(read.format, wanted.format, 'format')),
    ...limitFaults(wanted, read, target),
    ...setting('temperature'),
    ...setting('topP'),
    ...setting('topK'),
    ...setting('stop'),
  ]
}

/** Where a target takes less than another: the nearest that it takes. */
function clamped(name: string, value: unknown, target: Target): unknown {
  const isNarrow = target === 'anthropic-messages' || target === 'bedrock-converse'
  if (name === 'temperature' && isNarrow && typeof value === 'number') return Math.min(1, value)
  if (name === 'stop' && Array.isArray(value)) {
    const most = target === 'openai-chat' ? 4 : target === 'gemini' ? 5 : value.length
    return value.slice(0, most)
  }
  return value
}

/** Anthropic wants a limit in any case; room for thoughts is added where they count against it; Responses want 16 or more. */
function limitFaults(wanted: Asked, read: Asked, target: Target): readonly string[] {
  if (wanted.maxTokens === undefined) {
    return target === 'anthropic-messages' || read.maxTokens === undefined
      ? []
      : [`maxTokens is ${read.maxTokens}, not nothing`]
  }
  if (target === 'openai-responses' && wanted.maxTokens < 16) return differences(read.maxTokens, 16, 'maxTokens')
  return read.maxTokens !== undefined && read.maxTokens >= wanted.maxTokens
    ? []
    : [`maxTokens is ${read.maxTokens}, not ${wanted.maxTokens}`]
}
