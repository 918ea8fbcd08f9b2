import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as soon } from 'node:timers/promises'
import { anthropicMessages } from './speaking/anthropic-messages.ts'
import { bedrockConverse } from './speaking/bedrock-converse.ts'
import { bedrockInvoke, vertexClaude } from './speaking/claude-elsewhere.ts'
import { gemini } from './speaking/gemini.ts'
import { openAiChat } from './speaking/openai-chat.ts'
import { openAiResponses } from './speaking/openai-responses.ts'
import { type Heard, Refusal, replyTo, type Wire } from './speaking/script.ts'
import type { Voice } from './speaking/voice.ts'

/** A request as it came in. */
export interface SpokenTo {
  readonly wire: Wire
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly key: string | undefined
  readonly body: unknown
  /** What was understood of it; undefined when it was refused before. */
  heard: Heard | undefined
  /** Why it was refused. */
  refusal: Refusal | undefined
  /** True when whoever asked left before the answer was whole. */
  left: boolean
}

export interface SpeakingUpstream extends AsyncDisposable {
  /** Without a path: each vendor's own stands below it. */
  readonly url: string
  /** What was asked since the last call of this, in order. */
  taken(): readonly SpokenTo[]
  /** Resolves when somebody asks something. */
  asked(): Promise<void>
  /** Resolves when nobody waits for an answer any more. */
  idle(): Promise<void>
  close(): Promise<void>
}

/**
 * Vendors of all wire formats on one loopback port, each at its own paths. They follow a script: what they say depends on what the user
 * said last, but they check every request as strictly as the real ones do, and answer in their own words.
 */
export async function startSpeakingUpstream(): Promise<SpeakingUpstream> {
  const voices: readonly Voice[] = [
    openAiChat(),
    openAiResponses(),
    anthropicMessages(),
    gemini(),
    bedrockConverse(),
    bedrockInvoke(),
    vertexClaude(),
  ]
  let spoken: SpokenTo[] = []
  const open = new Set<ServerResponse>()
  const waiting: (() => void)[] = []
  const server = createServer((request, response) => {
    open.add(response)
    response.on('close', () => open.delete(response))
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://upstream')
    const json = await bodyOf(request)
    const { method = '' } = request
    for (const voice of voices) {
      const kept = voice.keyOf(request.headers) && voice.kept?.(method, pathname)
      if (kept) return reply(response, kept.status, {}, kept.body)
    }
    const [voice, address] = voices
      .map((voice) => [voice, voice.address(pathname, searchParams)] as const)
      .find(([, address]) => address) ?? [undefined, undefined]
    if (!voice || !address || method !== 'POST')
      return reply(response, 404, {}, { error: { message: `Nothing is at ${method} ${request.url}.` } })
    const body: unknown = JSON.parse(json)
    const { headers } = request
    const seen: SpokenTo = {
      wire: voice.wire,
      path: pathname,
      headers,
      key: voice.keyOf(headers),
      body,
      heard: undefined,
      refusal: undefined,
      left: false,
    }
    spoken.push(seen)
    for (const heard of waiting.splice(0)) heard()
    response.on('close', () => {
      seen.left = !response.writableFinished
    })
    try {
      if (!seen.key) throw new Refusal('key', 'There is no key.')
      if (address.counts) return reply(response, 200, {}, voice.count?.(body, address))
      seen.heard = voice.hear(body, address, headers)
      const said = replyTo(seen.heard)
      if (!seen.heard.stream) {
        if (said.stops === 'breaks') throw new Refusal('overloaded', 'It broke.')
        if (said.stops !== 'hangs') reply(response, 200, {}, voice.whole(seen.heard, said))
        return
      }
      response.writeHead(200, { 'content-type': voice.streamType })
      await writeInPieces(response, voice.stream(seen.heard, said))
      if (said.stops !== 'hangs') response.end()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      seen.refusal = error
      const { status, headers = {}, body } = voice.refuse(error)
      reply(response, status, headers, body)
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken() {
      const taken = spoken
      spoken = []
      return taken
    },
    asked: () => new Promise((resolve) => waiting.push(resolve)),
    async idle() {
      await Promise.all([...open].map((response) => once(response, 'close')))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function reply(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** Cut without regard to frames, characters or lines, as a network does. */
async function writeInPieces(response: ServerResponse, frames: readonly (string | Buffer)[]): Promise<void> {
  const bytes = Buffer.concat(frames.map((frame) => Buffer.from(frame as string)))
  for (let at = 0; at < bytes.length; at += 997) {
    response.write(bytes.subarray(at, at + 997))
    await soon()
  }
}
