/** A request asks every provider for what it asks its own, and what the other cannot take is named. */
import type { Abilities } from '../../../src/dialects/dialect.ts'
import { type Chat, dialectOf } from './formats.ts'
import type { Asked } from './oracle/asked.ts'
import { askedOf } from './oracle/asked-readers.ts'
import { unsaid } from './said-losses.ts'
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

/** What models of each take. */
export const abilitiesOf = (target: Target): Abilities => ({
  urls: true,
  mediaInResults: target !== 'openai-chat',
  prefill: true,
  systemMidway: target.startsWith('openai'),
  unknownFields: false,
})

export function requestAcross(chat: Chat, target: Target): Verdict {
  const { exchange, speaker, dialect } = chat
  const body = exchange.request.body
  if (body === null) return notApplicable('the request was not kept')
  const [from, to] = [askedOf[spoken[dialect] ?? dialect], dialectOf(target)]
  if (!from) return notApplicable(`nobody reads requests of ${dialect}`)
  if (dialect === target) return notApplicable('the same wire format: a round trip')
  const wanted = from(body)
  const request = speaker.decodeRequest(body, { model: exchange.model ?? '', stream: exchange.streaming })
  const { body: written, dropped } = to.encodeRequest(request, abilitiesOf(target))
  const read = (askedOf[target] as (body: unknown) => Asked)(JSON.parse(JSON.stringify(written)))
  return verdictOf([...lossesIn(wanted, read, target, dropped), ...unsaid(request, written, target, dropped)])
}

function lossesIn(wanted: Asked, read: Asked, target: Target, dropped: readonly string[]): readonly string[] {
  const isNamed = (name: string) => dropped.some((one) => one === name || one.startsWith(`${name}.`))
  const losesMedia = dropped.some((name) => /\.(image|audio|video|document)$/.test(name))
  const setting = (name: 'temperature' | 'topP' | 'topK' | 'stop') =>
    (isNamed(name) || isOne(name, wanted[name])) && read[name] === undefined
      ? []
      : differences(read[name], clamped(name, wanted[name], target), name)
  return [
    ...textFaults(wanted, read, target),
    ...(losesMedia ? [] : differences(read.media, wanted.media, 'media')),
    ...toolFaults(wanted, read, target),
    ...(isNamed('toolChoice') || wanted.tools.length === 0
      ? []
      : differences(read.choice, choiceIn(wanted, target), 'choice')),
    ...(isNamed('format') ? [] : formatFaults(wanted, read, target)),
    ...limitFaults(wanted, read, target),
    ...setting('temperature'),
    ...setting('topP'),
    ...setting('topK'),
    ...setting('stop'),
  ]
}

/** A temperature of 1 is what there is without any, and all that there may be while the model thinks. */
const isOne = (name: string, value: unknown): boolean => name === 'temperature' && value === 1

function textFaults(wanted: Asked, read: Asked, target: Target): readonly string[] {
  // Where instructions have no place between what is said, they are told to the user's side of it.
  if (wanted.isMidway && !target.startsWith('openai')) {
    const all = read.system + read.said.map((item) => ('who' in item ? item.text : '')).join('')
    return wanted.said.flatMap((item) =>
      'who' in item && !all.includes(item.text) ? [`said: ${item.text.slice(0, 60)} is missing`] : [],
    )
  }
  const system = read.system.replace(asksForJson, '')
  const said = begun(wanted, read)
  const inText = wanted.documents.filter((text) => !read.documents.includes(text))
  return [
    ...differences(system, wanted.system, 'system'),
    ...(inText.length > 0 ? documentFaults(wanted, said, inText) : differences(said, wanted.said, 'said')),
  ]
}

/** Where a target takes no documents of text, their text is told between the rest, with their titles. */
function documentFaults(wanted: Asked, said: Asked['said'], documents: readonly string[]): readonly string[] {
  const textIn = (items: Asked['said']) => items.map((item) => ('who' in item ? item.text : '')).join('')
  const ours = textIn(said)
  const missing = documents.filter((text) => !ours.includes(text))
  const rest = documents.reduce((text, document) => text.replace(document, ''), ours)
  return [
    ...missing.map((text) => `documents: ${text.slice(0, 60)} is missing`),
    ...(isWithin(textIn(wanted.said), rest)
      ? []
      : [`said: ${rest.slice(0, 100)}, not ${textIn(wanted.said).slice(0, 100)}`]),
  ]
}

/** Whether all letters of one text stand in the other in their order. */
function isWithin(text: string, other: string): boolean {
  let place = 0
  for (const letter of other) if (letter === text[place]) place++
  return place >= text.length
}

/** A format that the target has no field for is asked for in words, at the end of the instructions. */
const asksForJson = /(AnswerwithoneJSONobjectandnothingelse\.|GiveyourfinalanswerasJSON.*)$/

/**
 * What is said without the words that a target needs around it: before a conversation that the assistant begins, beside a
 * document, and where pictures of a result follow it.
 */
function begun(wanted: Asked, read: Asked): Asked['said'] {
  const [first] = wanted.said
  const [ours] = read.said
  const isBegun = !(first && 'who' in first && first.who === 'user') && ours && 'who' in ours && ours.who === 'user'
  return (isBegun ? read.said.slice(1) : read.said).flatMap((item) => {
    if ('resultOf' in item && item.value === '(showninthenextmessage)') return [{ ...item, value: {} }]
    if (!('who' in item) || item.who !== 'user') return [item]
    const text = item.text.replace(/^(Fromtheresultof\w+:|Seetheattacheddocument\.)/, '')
    return text === '' ? [] : [{ ...item, text }]
  })
}

function toolFaults(wanted: Asked, read: Asked, target: Target): readonly string[] {
  if (target !== 'bedrock-converse')
    return differences(strictly(read.tools, target), strictly(wanted.tools, target), 'tools')
  // Bedrock knows no "none": without tools none is called. And calls in the history want some tool to be there.
  const isSilenced = wanted.choice === 'none'
  const tools = read.tools.filter(({ name }) => name !== 'unavailable')
  return isSilenced ? [] : differences(tools, wanted.tools, 'tools')
}

/** Anthropic wants every object of a strict schema closed. */
const strictly = (value: unknown, target: Target): unknown =>
  target === 'anthropic-messages'
    ? JSON.parse(
        JSON.stringify(value ?? null, (name, member) =>
          name === 'additionalProperties' && member === false ? undefined : member,
        ),
      )
    : value

function choiceIn({ choice, tools }: Asked, target: Target): string {
  if (choice === 'none' && target === 'bedrock-converse') return 'auto'
  // A list of all tools is no choice among them, where there are no lists.
  const isAll = choice === `one of ${tools.map(({ name }) => name).join(', ')}`
  return isAll && !target.startsWith('openai') && target !== 'gemini' ? 'required' : choice
}

function formatFaults(wanted: Asked, read: Asked, target: Target): readonly string[] {
  if (read.format === 'text' && asksForJson.test(read.system)) return []
  return differences(strictly(read.format, target), strictly(wanted.format, target), 'format')
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
