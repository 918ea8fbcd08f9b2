import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { dataFiles } from '../../src/store/files.ts'
import { borderSpy } from '../support/border-spy.ts'
import { askChat, bothWays, conversationOf, isReady, postChat, readiness, startUpstream } from '../support/calls.ts'
import { startTest } from '../support/trunkline.ts'

const oneMegabyte = { 'recording.in_flight_bytes': String(1 << 20) }

/** Rows of a stopped or running server's file, for what no query shows. */
function rowsOf(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare(sql).all()
  database.close()
  return rows
}

describe.each(bothWays)('%s', (_name, spawn) => {
  test('a long stream is handed over while it runs', async () => {
    const border = borderSpy(spawn)
    const begun = Promise.withResolvers<ServerResponse>()
    await using upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: {"choices":[{"index":0,"delta":{"content":"first half"}}]}\n\n')
      begun.resolve(response)
    })
    await using trunkline = await startTest({
      spawn: border.spawn,
      settings: { 'providers.openai.base_url': upstream.baseUrl },
    })
    const answer = askChat(trunkline.url, 'Hello', { model: 'some', stream: true })
    const response = await begun.promise
    await vi.waitFor(() => {
      expect(border.passed.some(({ bytes }) => bytes?.includes('first half'))).toBe(true)
    })
    response.end(
      'data: {"choices":[{"index":0,"delta":{"content":", second half"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    )
    const { traceId } = await answer
    const shown = await trunkline.trace(traceId)
    expect(conversationOf(shown)?.answer?.choices[0]?.message.parts).toEqual([
      { kind: 'text', text: 'first half, second half' },
    ])
  })

  test('when the writer cannot follow bodies go first, then spans, never the ledger, and health says so', async () => {
    const border = borderSpy(spawn)
    await using trunkline = await startTest({ spawn: border.spawn, settings: oneMegabyte })
    await isReady(trunkline.url)
    border.hold()
    const large = 'x'.repeat(300_000)
    const asked = []
    for (let index = 0; index < 8; index++) asked.push(await askChat(trunkline.url, large))
    expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 200))
    // By now only small records pass; they are to fill the rest, up to where spans are left out, too.
    while (true) {
      const more = await Promise.all(Array.from({ length: 40 }, () => askChat(trunkline.url, 'small')))
      asked.push(...more)
      const said = (await readiness(trunkline.url)).reasons?.join(' ') ?? ''
      if (Number(/(\d+) spans/.exec(said)?.[1]) > 20) break
    }
    const { status, reasons } = await readiness(trunkline.url)
    expect(status).toBe('degraded')
    expect(reasons?.[0]).toMatch(
      /^Not everything was recorded since the start: [1-9]\d{5,} bytes of bodies, [1-9]\d+ spans/,
    )

    border.release()
    const first = await trunkline.trace(asked[0]?.traceId)
    expect(conversationOf(first)?.messages[0]?.parts).toEqual([{ kind: 'text', text: large }])
    const eighth = await trunkline.trace(asked[7]?.traceId)
    expect(eighth.spans.map(({ kind }) => kind)).toEqual(['call', 'attempt'])
    expect(conversationOf(eighth)).toBeUndefined()
    const paid = rowsOf(dataFiles(trunkline.dataDir).ledger, 'select lower(hex(trace_id)) as id from ledger').map(
      ({ id }) => id,
    )
    expect(new Set(paid)).toEqual(new Set(asked.map(({ traceId }) => traceId)))
    // Once there is room everything is recorded again.
    const again = await trunkline.trace((await askChat(trunkline.url, large)).traceId)
    expect(conversationOf(again)?.answer?.choices[0]?.message.parts).toEqual([{ kind: 'text', text: large }])
  })

  test('an answer with a gap is kept up to the gap, and says so', async () => {
    const border = borderSpy(spawn)
    const begun = Promise.withResolvers<ServerResponse>()
    await using upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(eventOf('first'))
      begun.resolve(response)
    })
    await using trunkline = await startTest({
      spawn: border.spawn,
      settings: { ...oneMegabyte, 'providers.openai.base_url': upstream.baseUrl },
    })
    const reply = await postChat(trunkline.url, 'Hello', { model: 'some', stream: true })
    const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader()
    const response = await begun.promise
    await vi.waitFor(() => expect(border.passed.some(({ bytes }) => bytes?.includes('first'))).toBe(true))
    border.hold()
    for (let index = 0; index < 4; index++) await askChat(trunkline.url, 'x'.repeat(300_000))
    // So much that it is not held back for more.
    response.write(eventOf(` LOST ${'x'.repeat(5_000)}`))
    let text = ''
    while (!text.includes('LOST') || !text.endsWith('\n\n')) text += (await reader?.read())?.value
    border.release()
    await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 1 } })
    response.end(`${eventOf(' last')}data: [DONE]\n\n`)
    while (!text.includes('[DONE]')) text += (await reader?.read())?.value
    await reader?.read()
    const shown = await trunkline.trace(reply.headers.get('x-trace-id'))
    const { answer: kept, notes } = conversationOf(shown) ?? {}
    expect(kept?.choices[0]?.message.parts).toEqual([{ kind: 'text', text: 'first' }])
    expect(notes?.[0]).toMatch(/^Of the answer the first \d+ of \d+ bytes were kept\.$/)
  })

  test('of a body that is too long the beginning is kept, with the length and hash of all', async () => {
    await using trunkline = await startTest({ spawn, settings: { 'recording.body_bytes': '1000' } })
    const content = 'Lang, länger, am längsten. '.repeat(20_000)
    const { traceId, text, status } = await askChat(trunkline.url, content)
    expect(status).toBe(200)
    const shown = await trunkline.trace(traceId)
    expect(shown.trace.status).toBe('ok')
    expect(shown.spans.map((span) => span.status)).toEqual(['ok', 'ok'])
    const [answer, request] = rowsOf(dataFiles(trunkline.dataDir).traces, 'select bodies from spans order by kind').map(
      ({ bodies }) => JSON.parse(String(bodies)) as { request?: object; answer?: object },
    )
    const sent = JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content }] })
    const wholeOf = (body: string): object => ({
      length: Buffer.byteLength(body),
      sha256: createHash('sha256').update(body).digest('hex'),
    })
    expect(request?.request).toMatchObject({ length: 1000, whole: wholeOf(sent) })
    expect(answer?.answer).toMatchObject({ length: 1000, whole: wholeOf(text) })
    expect(conversationOf(shown)?.notes).toContain(
      `Of the request the first 1000 of ${Buffer.byteLength(sent)} bytes were kept.`,
    )
  })

  test('a name of two million letters is recorded like any other', async () => {
    await using trunkline = await startTest({ spawn })
    const model = `mock/${'ü'.repeat(2_000_000)}`
    const { traceId, status } = await askChat(trunkline.url, 'Hello', { model })
    expect(status).toBe(404)
    expect((await trunkline.trace(traceId)).trace.model).toBe(model)
    expect((await trunkline.trace((await askChat(trunkline.url, 'Hello')).traceId)).trace.status).toBe('ok')
    expect(await readiness(trunkline.url)).toEqual({ status: 'ready' })
  })
})

const eventOf = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`
