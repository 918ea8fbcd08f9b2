/** A client that sends what was recorded, and what it has to get for it. */
import { expect } from 'vitest'
import { type Exchange, load, responseBytes } from '../../support/recordings.ts'
import { type Edit, includeUsage, modelName } from '../../support/replay-compare.ts'
import type { ReplayUpstream, SeenRequest } from '../../support/replay-upstream.ts'
import { eventsOf } from '../matrix/formats.ts'
import { obj, str, type Tree } from '../matrix/oracle/tree.ts'
import { type Told, toldAnewFor } from './accepted.ts'
import { modelOf, type Place } from './places.ts'

/** Beside the documented edits: what a client asks for behind the `?` of its own URL does not go on. */
const ownQuery: Edit = (arrived, recorded) => {
  const { beta } = recorded.query
  return beta === undefined || 'beta' in arrived.query ? arrived : { ...arrived, query: { ...arrived.query, beta } }
}

/** A stream of Gemini is always asked for in events, and made a list for a client that wants one. */
const alwaysEvents: Edit = (arrived, recorded) => {
  if (!recorded.path.endsWith(':streamGenerateContent') || recorded.query.alt !== undefined) return arrived
  const { alt: _, ...query } = arrived.query
  return { ...arrived, query }
}

export const edits: readonly Edit[] = [modelName, includeUsage, ownQuery, alwaysEvents]

/**
 * As the upstream serves it: with a request of our own making where nobody kept it, which no other exchange has. A list of
 * chunks is served as the events that a provider sends when it is asked for events.
 */
export function served(exchange: Exchange): Exchange {
  const { request, response, id, api } = exchange
  const asked = request.body === null ? { ...exchange, request: { ...request, body: madeFor(exchange) } } : exchange
  if (api !== 'gemini.streamGenerateContent' || !('body' in response) || !Array.isArray(response.body)) return asked
  return {
    ...asked,
    id,
    streaming: true,
    response: {
      status: response.status,
      headers: { ...response.headers, 'content-type': 'text/event-stream' },
      encoding: 'utf8',
      framing: 'constructed',
      chunks: response.body.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`),
    },
  }
}

function madeFor(exchange: Exchange): NonNullable<Exchange['request']['body']> {
  const { id, api, streaming } = exchange
  const text = `The question that ${id} answers`
  const model = modelOf(exchange)
  const stream = streaming && { stream: true }
  if (api.startsWith('gemini.')) return { contents: [{ role: 'user', parts: [{ text }] }] }
  if (api === 'openai.responses') return { model, input: text, ...stream }
  return {
    model,
    messages: [{ role: 'user', content: text }],
    ...(api === 'anthropic.messages' && { max_tokens: 100 }),
    ...stream,
  }
}

export interface Passed {
  readonly place: Place
  /** What was asked for, and what the upstream gave: of several answers to one request it gives one after the other. */
  readonly asked: Exchange
  readonly given: Exchange
  readonly trace: string
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

/** `query` is what the client asks for behind the `?`, where it is not what was recorded. */
export async function pass(place: Place, trunkline: string, upstream: ReplayUpstream, query?: string): Promise<Passed> {
  const asked = served(load(place.id))
  const model = `${place.row}/${modelOf(asked)}`
  const { host, headers } = asked.request
  const isGemini = place.door.dialect === 'gemini'
  const sent = isGemini ? asked.request.body : { ...asked.request.body, model }
  const unmatched = upstream.unmatched.length
  const search = query ?? (isGemini || asked.request.query === 'beta=true' ? asked.request.query : '')
  const response = await fetch(`${trunkline}${place.door.path(model)}?${search}`, {
    method: 'POST',
    headers: { ...meant(headers), 'content-type': 'application/json', authorization: `Bearer ${clientKey}` },
    body: JSON.stringify(sent),
  })
  const body = Buffer.from(await response.arrayBuffer())
  expect(upstream.unmatched.slice(unmatched), `${place.id} at ${host}: ${body.toString().slice(0, 500)}`).toEqual([])
  const seen = upstream.seen.at(-1)
  expect(seen, place.id).toBeDefined()
  expectArrived(place, asked, seen as SeenRequest)
  const { status, headers: got } = response
  const given = served(load((seen as SeenRequest).recording as string))
  return { place, asked, given, status, body, headers: got, trace: got.get('x-trace-id') ?? '' }
}

const clientKey = 'key-of-the-client'

/** The headers that a client means for the provider; its credential is redacted, and our test has its own. */
const meant = (headers: Exchange['request']['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => /^(accept|anthropic-\w+|openai-\w+|http-referer)$/.test(name)),
  )

/** That the body is the recorded one the upstream has looked at. */
function expectArrived({ id, credential: [name, value] }: Place, asked: Exchange, seen: SeenRequest): void {
  expect([id, seen.headers[name]]).toEqual([id, value])
  expect(JSON.stringify(seen.headers), id).not.toContain(clientKey)
  expect(seen.headers, id).toMatchObject(meant(asked.request.headers))
}

/** What only belongs to a connection, or describes a body that we wrote ourselves, or says something of another gateway. */
const notKept = /^(connection|content-encoding|content-length|transfer-encoding|date|server|set-cookie)$/

function expectSameHeaders({ given, headers, place: { id } }: Passed): void {
  for (const [name, value] of Object.entries(given.response.headers)) {
    const isPlaceholder = name.toLowerCase() === 'content-type' && !value.includes('/')
    if (!notKept.test(name.toLowerCase()) && !isPlaceholder)
      expect([id, name, headers.get(name)]).toEqual([id, name, value])
  }
}

/** Providers that are asked for the usage of a stream whose client did not ask; the others tell it by themselves. */
const tellsUnasked: ReadonlySet<string> = new Set(['mistral', 'perplexity'])

/** The bytes that the client has to get for what was recorded. */
function expectedBytes({ asked, given, place }: Passed): string {
  const recorded = responseBytes(given).toString()
  const isPlainChat = place.door.dialect === 'openai-chat' && given.streaming && !tellsUnasked.has(place.row)
  const asksUsage = obj(asked.request.body?.stream_options).include_usage === true
  return isPlainChat && !asksUsage ? withoutUsage(recorded) : recorded
}

/** The documented edit: a client that did not ask for usage gets the stream as it would be had nobody asked. */
const withoutUsage = (stream: string): string =>
  stream
    .split('\n\n')
    .filter((event) => !(event.includes('"choices":[]') && /"usage":\s*\{/.test(event)))
    .map((event) => event.replace(/,"usage":null|"usage":null,/, ''))
    .join('\n\n')

/** That the client has what was recorded: its status, its headers and its bytes. */
export function expectAnswered(passed: Passed): void {
  const { status, body, asked, given, place } = passed
  const told = toldAnewFor(place.id)
  if (told) {
    expectToldAnew(passed, told)
    return
  }
  expect([place.id, status]).toEqual([place.id, given.response.status])
  const isList = asked.request.path.endsWith(':streamGenerateContent') && asked.request.query === ''
  if (isList) {
    expectList(passed)
    return
  }
  expect(body.toString(), `${place.id}, to which ${given.id} was the answer`).toBe(expectedBytes(passed))
  expectSameHeaders(passed)
}

/** The provider's own words in the form of the door, under the provider's status. */
function expectToldAnew({ status, body, given, place: { id, door } }: Passed, told: Told): void {
  expect([id, status]).toEqual([id, told.status ?? given.response.status])
  expect(body.toString(), `${id} comes as it was recorded`).not.toBe(responseBytes(given).toString())
  const recorded = obj('body' in given.response ? given.response.body : undefined)
  const { error } = JSON.parse(body.toString()) as Tree
  expect({ id, error }).toEqual({
    id,
    error: {
      // Where clients look for words of their own vendor, these stand before the provider's.
      message: expect.stringContaining(str(obj(recorded.error).message ?? recorded.detail)),
      ...(door.dialect === 'gemini'
        ? { code: status, status: expect.stringMatching(/^[A-Z_]+$/) }
        : { type: expect.any(String), param: null, code: expect.any(String) }),
    },
  })
}

/** A stream that comes as one list has the events of the stream, each as it came. */
export function expectList({ body, given, headers, place: { id } }: Passed): void {
  expect([id, headers.get('content-type')]).toEqual([id, expect.stringMatching(/^application\/json/)])
  const chunks = JSON.parse(body.toString()) as readonly Tree[]
  expect({ id, chunks }).toEqual({ id, chunks: eventsOf(given).map(({ data }) => data) })
}
