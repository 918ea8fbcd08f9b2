import { expect } from 'vitest'
import { prompts, type RefusalKind, redDot, reported, sayings, used, type Wire } from '../support/speaking/script.ts'
import type { SpeakingUpstream, SpokenTo } from '../support/speaking-upstream.ts'
import {
  type Address,
  instructions,
  type Library,
  limit,
  personSchema,
  run,
  type Said,
  sampling,
  tools,
} from './library.ts'

/** One library, one address that it calls, and what stands behind it. */
export interface Stage {
  readonly library: Library
  readonly at: Address
  /** For thoughts, where another model of the same vendor has them. */
  readonly thinking: Address
  readonly behind: Wire
  readonly upstream: SpeakingUpstream
  /** The key that the vendor has to be shown. */
  readonly key: string
  /** True where nothing is between the two, or nothing that changes what they say. */
  readonly isDirect: boolean
  /** What a client may see of a vendor's refusal. */
  readonly statusesOf: (kind: RefusalKind) => readonly number[]
  /** What a wire format has no place for, and the gateway says that it left out. */
  readonly lacks: ReadonlySet<'stops' | 'temperature'>
  /** What the gateway said that it had left out. */
  readonly dropped: () => readonly string[]
}

/** Undefined when it has passed; the reason when there is nothing to test. */
type Scene = (stage: Stage) => Promise<string | undefined>

function usageIs({ usage }: Said, { library }: Stage, stream: boolean, thought: boolean): void {
  if (stream && library.cannot?.['usage, streamed']) return
  expect(usage?.input).toBe(used.uncached + used.cached)
  expect(usage?.output).toBe(used.said + (thought ? used.thinking : 0))
}

/** The only request that came in, as it was understood. Nothing else may have been left out of it. */
function heard({ upstream, behind, key, dropped }: Stage, mayLack?: RegExp): NonNullable<SpokenTo['heard']> {
  const taken = upstream.taken()
  expect(dropped().filter((name) => !mayLack?.test(name))).toEqual([])
  expect(taken.map(({ refusal }) => refusal?.message)).toEqual([undefined])
  const [seen] = taken
  expect(seen?.wire).toBe(behind)
  expect(seen?.key).toBe(key)
  if (!seen?.heard) throw new Error('The vendor understood nothing.')
  expect(seen.heard.instructions).toBe(instructions)
  // Some libraries add the budget of thoughts to it.
  expect(seen.heard.limit).toBeGreaterThanOrEqual(limit)
  return seen.heard
}

/** What clients call these settings. */
const namesOf = (lacks: Stage['lacks']): RegExp =>
  new RegExp(`^(${[...lacks].map((setting) => (setting === 'stops' ? 'stop.*' : setting)).join('|')})$`)

const hello =
  (stream: boolean): Scene =>
  async (stage) => {
    const { library, at, lacks } = stage
    const pieces: string[] = []
    const said = await library
      .open(at)
      .say({ stream, prompt: prompts.hello, sampled: true, onText: (piece) => pieces.push(piece) })
    expect(said).toMatchObject({ text: sayings.hello, thoughts: '', calls: [], finish: library.finishes.said })
    usageIs(said, stage, stream, false)
    if (stream) expect(pieces.join('')).toBe(sayings.hello)
    if (stream) expect(pieces.length).toBeGreaterThan(3)
    const { temperature, stops, stream: streamed } = heard(stage, namesOf(lacks))
    expect(streamed).toBe(stream)
    if (!lacks.has('temperature') && !library.cannot?.temperature) expect(temperature).toBe(sampling.temperature)
    if (!lacks.has('stops') && !library.cannot?.stops) expect(stops).toEqual([sampling.stop])
    return undefined
  }

const answersOf = (said: Said): { id: string; name: string; output: string }[] =>
  said.calls.map(({ id, name, args }) => ({ id, name, output: run(name, args) }))

const toolLoop =
  (stream: boolean): Scene =>
  async (stage) => {
    const { library, at } = stage
    const conversation = library.open(at)
    const asked = await conversation.say({ stream, prompt: prompts.weather, withTools: true })
    expect(asked).toMatchObject({ text: sayings.looking, finish: library.finishes.called })
    usageIs(asked, stage, stream, false)
    expect(asked.calls.map(({ name, args }) => [name, args])).toEqual([
      ['get_weather', { city: 'Paris' }],
      ['get_weather', { city: 'Rome' }],
      ['get_time', {}],
    ])
    const first = heard(stage)
    expect(first.tools.map(({ name, description }) => [name, description])).toEqual(
      tools.map(({ name, description }) => [name, description]),
    )
    for (const [index, { schema }] of first.tools.entries())
      expect(schema).toMatchObject({ type: 'object', properties: tools[index]?.schema.properties })

    const told = await conversation.say({ stream, results: answersOf(asked), withTools: true })
    const results = [
      { name: 'get_weather', args: { city: 'Paris' }, output: '21 °C' },
      { name: 'get_weather', args: { city: 'Rome' }, output: '24 °C' },
      { name: 'get_time', args: {}, output: '12:00' },
    ]
    expect(heard(stage).results).toEqual(results)
    expect(told).toMatchObject({ text: reported(results), calls: [], finish: library.finishes.said })

    expect(await conversation.say({ stream, prompt: prompts.thanks, withTools: true })).toMatchObject({
      text: sayings.thanks,
    })
    expect(heard(stage)).toMatchObject({ prompt: prompts.thanks, results: [] })
    return undefined
  }

const structured: Scene = async (stage) => {
  const said = await stage.library.open(stage.at).say({ stream: false, prompt: prompts.person, withSchema: true })
  expect(JSON.parse(said.text)).toEqual(sayings.person)
  // Gemini cannot be told to make no more than one call, which is how some libraries ask for a format.
  const { schema, tools, forced } = heard(stage, /^parallel_tool_calls$/)
  expect(schema ?? tools.find(({ name }) => name === forced)?.schema).toMatchObject({
    type: 'object',
    properties: personSchema.properties,
    required: personSchema.required,
  })
  return undefined
}

const picture: Scene = async (stage) => {
  const said = await stage.library.open(stage.at).say({ stream: false, prompt: prompts.picture, picture: redDot })
  expect(said.text).toBe(sayings.picture)
  expect(heard(stage).images).toEqual([redDot])
  return undefined
}

/** Google's clients put it where only the newer models have a place. */
const resultWithPicture: Scene = async (stage) => {
  const { library, at, thinking, behind } = stage
  const left = library.cannot?.['pictures in results']
  if (left) return left
  const conversation = library.open(stage.isDirect && behind === 'gemini' ? thinking : at)
  const asked = await conversation.say({ stream: false, prompt: prompts.photo, withTools: true })
  heard(stage)
  const results = answersOf(asked).map((result) => ({ ...result, picture: redDot }))
  const told = await conversation.say({ stream: false, results, withTools: true })
  const { shown, results: understood } = heard(stage)
  expect(shown).toEqual([redDot])
  expect(understood).toHaveLength(1)
  expect(told.text).toContain('get_weather(Oslo) = ')
  return undefined
}

/** How many sealed pieces each vendor makes of one thought. */
const seals: Readonly<Record<Wire, number>> = {
  'openai-chat': 1,
  'openai-responses': 1,
  'anthropic-messages': 2,
  gemini: 1,
  'bedrock-converse': 2,
  'bedrock-invoke': 2,
  'vertex-anthropic': 2,
}

const reasoning =
  (stream: boolean): Scene =>
  async (stage) => {
    const { library, thinking, behind } = stage
    const shows = !library.cannot?.thoughts
    if (stage.isDirect && library.cannot?.thoughts) return library.cannot.thoughts
    const conversation = library.open(thinking)
    const asked = await conversation.say({ stream, prompt: prompts.forecast, withTools: true, thinks: true })
    expect(asked.calls.map(({ name, args }) => [name, args])).toEqual([['get_weather', { city: 'Oslo' }]])
    if (shows) expect(asked.thoughts).toBe(sayings.forecast)
    usageIs(asked, stage, stream, true)
    heard(stage)

    const told = await conversation.say({ stream, results: answersOf(asked), withTools: true, thinks: true })
    const second = heard(stage)
    expect(second).toMatchObject({ thinks: true, seals: seals[behind] })
    expect(told.text).toBe(reported(second.results))
    expect(second.results).toEqual([{ name: 'get_weather', args: { city: 'Oslo' }, output: '3 °C' }])
    if (shows) expect(told.thoughts).toBe(sayings.answered)

    expect((await conversation.say({ stream, prompt: prompts.thanks, withTools: true, thinks: true })).text).toBe(
      sayings.thanks,
    )
    // Thoughts that led to no call, and that came back without their seal, are of no use to anybody.
    heard(stage, /\.reasoning$/)
    return undefined
  }

async function thrownBy({ library }: Stage, call: Promise<unknown>): Promise<ReturnType<Library['seen']>> {
  try {
    await call
  } catch (error) {
    return library.seen(error)
  }
  throw new Error('Nothing was thrown.')
}

const abort =
  (stream: boolean): Scene =>
  async (stage) => {
    const { library, at, upstream } = stage
    const controller = new AbortController()
    const call = library.open(at).say({
      stream,
      prompt: prompts.hang,
      signal: controller.signal,
      onText: () => controller.abort(),
    })
    if (!stream) void upstream.asked().then(() => controller.abort())
    const { name } = await thrownBy(stage, call)
    expect(library.abortErrors).toContain(name)
    await upstream.idle()
    expect(upstream.taken().map(({ left }) => left)).toEqual([true])
    return undefined
  }

const refusal =
  (kind: RefusalKind, stream: boolean): Scene =>
  async (stage) => {
    const { library, at, behind, upstream, statusesOf } = stage
    const error = await thrownBy(stage, library.open(at).say({ stream, prompt: prompts.fail(kind) }))
    expect(statusesOf(kind)).toContain(error.status)
    expect(error.name).toBe(library.errorFor(error.status ?? 0, kind))
    expect(error.message).not.toBe('')
    // The clouds do not say when to come back; Gemini does not say it in a header.
    const says = !/bedrock|vertex/.test(behind) && !(stage.isDirect && behind === 'gemini')
    if (kind === 'busy' && says && !library.cannot?.headers) expect(error.retryAfter).toBe('7')
    const [seen] = upstream.taken()
    expect(seen?.refusal?.kind).toBe(kind)
    return undefined
  }

const broken: Scene = async (stage) => {
  const deaf = stage.library.cannot?.['errors in mid-stream']
  if (deaf) return deaf
  const pieces: string[] = []
  const call = stage.library
    .open(stage.at)
    .say({ stream: true, prompt: prompts.break, onText: (piece) => pieces.push(piece) })
  const { message } = await thrownBy(stage, call)
  expect(message).not.toBe('')
  expect(pieces.join('')).toBe(sayings.begun)
  stage.upstream.taken()
  return undefined
}

export const scenes = {
  whole: hello(false),
  stream: hello(true),
  'tools over two turns': toolLoop(false),
  'tools over two turns, streamed': toolLoop(true),
  'structured output': structured,
  'image in': picture,
  'image in a result of a tool': resultWithPicture,
  'reasoning over two turns': reasoning(false),
  'reasoning over two turns, streamed': reasoning(true),
  abort: abort(false),
  'abort in mid-stream': abort(true),
  'error: invalid': refusal('invalid', false),
  'error: bad key': refusal('key', false),
  'error: busy': refusal('busy', false),
  'error: busy, to a stream': refusal('busy', true),
  'error: overloaded': refusal('overloaded', false),
  'error: too long': refusal('too-long', false),
  'error in mid-stream': broken,
} satisfies Record<string, Scene>

export type SceneName = keyof typeof scenes
