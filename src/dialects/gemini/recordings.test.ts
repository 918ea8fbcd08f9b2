import { describe, expect, test } from 'vitest'
import {
  index,
  load,
  noRecordings,
  recordingsFolder,
  responseBytes,
  responseChunks,
} from '../../../test/support/recordings.ts'
import type { ChatEvent } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { jsonArray } from '../../http/json-array.ts'
import type { AnswerContext } from '../dialect.ts'
import { plainBase64 } from '../media.ts'
import { type Fields, fieldsOf, isFields } from '../values.ts'
import { decodeCountTokens } from './count-tokens.ts'
import { gemini } from './gemini.ts'

const apis: ReadonlySet<string> = new Set(['gemini.generateContent', 'gemini.streamGenerateContent'])
const rows = recordingsFolder() ? index().filter(({ api }) => apis.has(api)) : []
const asked = { model: 'gemini-test', stream: false }

const context = (request = {}): AnswerContext => ({
  request: gemini.decodeRequest({ contents: [], ...request }, asked),
  createdS: 0,
  newId: () => 'new',
})

/** Both spellings of Google's names are one, and both alphabets of base64; a list of one may stand without its list. */
function normalRequest(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalRequest)
  if (!isFields(value)) return value
  const fields = Object.entries(value).map(([name, inner]): [string, unknown] => {
    const key = name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    const isMany = ['contents', 'tools', 'functionDeclarations'].includes(key) && isFields(inner)
    if (key === 'data' && typeof inner === 'string') return [key, plainBase64(inner)]
    return [key, normalRequest(isMany ? [inner] : inner)]
  })
  return Object.fromEntries(fields)
}

/** Texts without a signature that follow each other are one, an empty one is none, and the first choice need not say so. */
function normalAnswer(body: unknown): unknown {
  const { candidates, ...rest } = fieldsOf(body)
  if (!Array.isArray(candidates)) return body
  return {
    ...rest,
    candidates: candidates.map((candidate) => {
      const { content, index = 0, ...others } = fieldsOf(candidate)
      const { parts } = fieldsOf(content)
      const merged: Fields[] = []
      for (const part of (parts ?? []) as Fields[]) {
        const last = merged.at(-1)
        const isPlain = typeof part.text === 'string' && part.thoughtSignature === undefined
        if (isPlain && part.text === '') continue
        const joins = isPlain && last && typeof last.text === 'string' && last.thoughtSignature === undefined
        if (joins && last.thought === part.thought)
          merged[merged.length - 1] = { ...last, text: `${last.text}${part.text}` }
        else merged.push(part)
      }
      return { ...others, index, parts: merged }
    }),
  }
}

const framesOf = (chunks: readonly Uint8Array[]): Frame[] => runStep(gemini.framing.split(), chunks)

/** The events, and what was thrown instead of the rest. */
function eventsOf(frames: readonly Frame[]): { events: ChatEvent[]; error?: GatewayError } {
  const events: ChatEvent[] = []
  const decoder = gemini.decodeStream()
  try {
    for (const frame of frames) events.push(...decoder.next(frame))
    events.push(...decoder.end())
    return { events }
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
    return { events, error: thrown }
  }
}

describe.skipIf(rows.length === 0)(`recordings of Gemini and Vertex${rows.length ? '' : `: ${noRecordings}`}`, () => {
  const asks = rows.filter(({ id }) => load(id).request.body !== null)

  test.each(asks)('the request of $id comes back as it was', ({ id }) => {
    const { body } = load(id).request
    const request = gemini.decodeRequest(body, asked)
    const encoded = gemini.encodeRequest(request, {})
    expect(normalRequest(encoded.body)).toEqual(normalRequest(body))
    expect(encoded.dropped).toEqual([])
  })

  const bodies = rows.filter(({ id, status }) => status === 200 && 'body' in load(id).response)
  const bodyOf = (id: string): unknown => (load(id).response as { body: unknown }).body
  const wholes = bodies.filter(({ id }) => fieldsOf(bodyOf(id)).candidates !== undefined)

  test.each(wholes)('the answer of $id comes back as it was', ({ id }) => {
    const body = bodyOf(id)
    const answer = gemini.decodeAnswer(body)
    expect(normalAnswer(gemini.encodeAnswer(answer, context()))).toEqual(normalAnswer(body))
    // As a stream it says the same.
    const frames = runStep(gemini.encodeStream(context()), disassemble(answer))
    const again = assemble(eventsOf(frames).events)
    expect(plain(again)).toEqual(plain(answer))
  })

  test.each(bodies.filter(({ id }) => Array.isArray(bodyOf(id))))('the list of $id is one answer', ({ id }) => {
    const chunks = bodyOf(id) as Fields[]
    expect(gemini.decodeAnswer(chunks)).toEqual(gemini.decodeAnswer(folded(chunks)))
    const pieces = runStep(jsonArray.split(), [Buffer.from(JSON.stringify(chunks, null, 1))])
    expect(assemble(eventsOf(pieces).events)).toEqual(gemini.decodeAnswer(chunks))
  })

  const refused = bodies.filter(({ id }) => !Array.isArray(bodyOf(id)) && fieldsOf(bodyOf(id)).candidates === undefined)

  test.each(refused)('the prompt of $id was refused', ({ id }) => {
    expect(() => gemini.decodeAnswer(bodyOf(id))).toThrow(/refused the prompt/)
  })

  const streams = rows.filter(({ streaming, status }) => streaming && status === 200)

  test.each(streams)('the stream of $id comes back as it was', ({ id }) => {
    const { events, error } = eventsOf(framesOf(responseChunks(load(id))))
    if (error) {
      expect(['content_filter', 'upstream_error', 'upstream_overloaded']).toContain(error.code)
      return
    }
    const frames = runStep(gemini.encodeStream(context()), events)
    const again = eventsOf(frames)
    expect(again.error).toBeUndefined()
    expect(said(again.events)).toEqual(said(events))
  })

  test.each(streams)('the stream of $id is the whole answer', ({ id }) => {
    const frames = framesOf(responseChunks(load(id)))
    const { events, error } = eventsOf(frames)
    if (error) return
    const chunks = frames.map(({ data }) => JSON.parse(data) as Fields)
    expect(assemble(events)).toEqual(gemini.decodeAnswer(folded(chunks)))
  })

  test.each(streams)('however the network cuts $id, the same frames come out', ({ id }) => {
    const bytes = responseBytes(load(id))
    const whole = framesOf([bytes])
    const places = bytes.length <= 5000 ? bytes.length : 200
    for (let place = 1; place < places; place++) {
      const at = Math.floor((place * bytes.length) / places)
      expect(framesOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole)
    }
    expect(framesOf(Array.from(bytes.subarray(0, 20_000), (byte) => Uint8Array.of(byte)))).toEqual(
      framesOf([bytes.subarray(0, 20_000)]),
    )
  })

  test.each(rows.filter(({ status }) => status >= 400))('the error of $id is understood', ({ id, status }) => {
    const { error, asItCame } = gemini.readError(status, responseBytes(load(id)))
    expect(error.message).not.toBe('')
    if (error.code !== 'unauthorized') {
      expect(error.status).toBe(status)
      expect(asItCame).toBe(true)
    }
  })

  test('a request to count tokens is read in both forms', () => {
    for (const { id } of index().filter(({ api }) => api === 'gemini.countTokens')) {
      const request = decodeCountTokens(load(id).request.body, asked)
      expect(request.messages.at(-1)?.parts.length).toBeGreaterThan(0)
    }
  })
})

/** What is said of an answer without how it was divided. */
const plain = (value: object): unknown => JSON.parse(JSON.stringify(value))

/** Events of a text joined, since the encoder may divide it otherwise. */
const said = (events: readonly ChatEvent[]): unknown => plain(assemble(events))

/** The chunks of a stream as one answer: parts one after another, everything else as it was last said. */
function folded(chunks: readonly Fields[]): Fields {
  let whole: Record<string, unknown> = {}
  const candidates = new Map<number, Record<string, unknown>>()
  for (const { candidates: some, ...rest } of chunks) {
    whole = { ...whole, ...rest }
    for (const one of (some ?? []) as Fields[]) {
      const at = (one.index as number | undefined) ?? 0
      const before = candidates.get(at) ?? { content: { role: 'model', parts: [] } }
      const parts = [
        ...(fieldsOf(before.content).parts as unknown[]),
        ...((fieldsOf(one.content).parts ?? []) as unknown[]),
      ]
      const citing = [fieldsOf(before.citationMetadata), fieldsOf(one.citationMetadata)]
      const names = [...new Set(citing.flatMap(Object.keys))]
      candidates.set(at, {
        ...before,
        ...one,
        ...(one.groundingMetadata !== undefined && {
          groundingMetadata: { ...fieldsOf(before.groundingMetadata), ...fieldsOf(one.groundingMetadata) },
        }),
        ...(names.length > 0 && {
          citationMetadata: Object.fromEntries(
            names.map((name) => [name, citing.flatMap((part) => (part[name] ?? []) as unknown[])]),
          ),
        }),
        content: { role: 'model', parts },
      })
    }
  }
  return { ...whole, candidates: [...candidates.values()] }
}
