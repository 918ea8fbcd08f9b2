import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, vi } from 'vitest'
import type { Conversation, TraceView } from '../../src/store/show.ts'
import { inThreads, type Spawn } from '../../src/threads/supervisor.ts'
import { oneThread } from './trunkline.ts'

/** Both ways to put the parts together: one suite runs over either. */
export const bothWays: readonly (readonly [name: string, spawn: Spawn])[] = [
  ['in one thread', oneThread],
  ['on real threads', inThreads],
]

/** A call for the built-in mock, or another model by `fields`. */
export const postChat = (url: string, content: string, fields: object = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content }], ...fields }),
  })

export interface Asked {
  readonly status: number
  readonly text: string
  readonly traceId: string | null
}

/** A call and all of its answer. */
export async function askChat(url: string, content: string, fields: object = {}): Promise<Asked> {
  const response = await postChat(url, content, fields)
  const traceId = response.headers.get('x-trace-id')
  return { status: response.status, text: await response.text(), traceId }
}

/** What a trace with one call tells of it. */
export function conversationOf({ spans: [call] }: TraceView): Conversation | undefined {
  return call?.kind === 'call' ? call.conversation : undefined
}

export interface Readiness {
  readonly status: string
  readonly reasons?: readonly string[]
}

export const readiness = async (url: string): Promise<Readiness> =>
  (await (await fetch(`${url}/health/ready`)).json()) as Readiness

/** Waits until every part has begun its work: the gateway takes calls before that. */
export const isReady = (url: string): Promise<void> =>
  vi.waitFor(async () => expect(await readiness(url)).toEqual({ status: 'ready' }), { timeout: 10_000, interval: 10 })

export interface TestUpstream extends AsyncDisposable {
  /** What to set as `providers.openai.base_url`. */
  readonly baseUrl: string
}

/** A provider of the test's own, which gets each request after its body has arrived. */
export async function startUpstream(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestUpstream> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => answer(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
