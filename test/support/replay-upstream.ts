import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Exchange, noRecordings, recordingsFolder, responseChunks } from './recordings.ts'
import { type Arrived, type Choice, chooser, type Selection } from './replay-choose.ts'
import { type Asked, type Difference, decoded, type Edit, parsedQuery } from './replay-compare.ts'
import { type Cut, pieces } from './replay-cut.ts'

export interface ReplayOptions {
  readonly exchanges?: Selection
  /** Where a body is cut into writes; as it was recorded when left out. */
  readonly cut?: Cut
  /** The edits that a match leaves aside: `[...documentedEdits, mine]` adds one. */
  readonly edits?: readonly Edit[]
  /** False: a recording named by its id is served whatever the request says. */
  readonly strict?: boolean
  /** Called before each write of a body; while its promise is open the body waits, so a test can hold a stream. */
  readonly beforeWrite?: (seen: SeenRequest, bytesWritten: number) => void | Promise<void>
  readonly port?: number
}

export interface SeenRequest {
  readonly method: string
  /** As it came, escapes, host segment and query included. */
  readonly url: string
  /** Decoded, without the segments of the host and of an id. */
  readonly path: string
  /** The host segment, if there was one. */
  readonly host: string | undefined
  readonly query: Asked['query']
  readonly headers: IncomingHttpHeaders
  /** The body as JSON; undefined where it is none. */
  readonly body: unknown
  readonly bytes: Buffer
  /** The id of the recording that was served; undefined where none was. */
  readonly recording: string | undefined
  /** Undefined where the client left before there was an answer. */
  readonly status: number | undefined
  /** The client left before it had the whole answer. */
  readonly aborted: boolean
}

export interface Unmatched {
  readonly request: SeenRequest
  readonly message: string
  readonly nearest: string | undefined
  readonly difference: readonly Difference[]
}

export interface ReplayUpstream extends AsyncDisposable {
  readonly url: string
  /** Every request in the order in which its body was complete. */
  readonly seen: readonly SeenRequest[]
  /** Those that were answered with 599. A test of anything else expects this to be empty. */
  readonly unmatched: readonly Unmatched[]
  /** The base URL under which base + suffix is the recorded address. With `byId` it asks for this very exchange. */
  baseUrlFor(exchange: Exchange, suffix?: string, options?: { readonly byId?: boolean }): string
  /** Waits until no request is open any more: then every `aborted` is settled. */
  idle(): Promise<void>
  close(): Promise<void>
}

type Growing = { -readonly [key in keyof SeenRequest]: SeenRequest[key] }

/** A real HTTP server on 127.0.0.1 that answers a recorded request as its provider did, and any other with 599. */
export async function startReplayUpstream(options: ReplayOptions = {}): Promise<ReplayUpstream> {
  if (!recordingsFolder() && !Array.isArray(options.exchanges)) throw new Error(`Nothing to replay: ${noRecordings}.`)
  const choose = chooser(options)
  const seen: SeenRequest[] = []
  const unmatched: Unmatched[] = []
  const open = new Set<Promise<unknown>>()

  const server = createServer((request, response) => {
    request.socket.setNoDelay(true)
    const answered = answer(request, response)
    const closed = new Promise((resolve) => response.once('close', resolve))
    const done = Promise.allSettled([answered, closed])
    open.add(done)
    void done.then(() => open.delete(done))
    // A fault of the upstream itself must not look like an answer: the client is cut off, the test run fails.
    answered.catch((error: unknown) => {
      response.destroy()
      throw error
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { bytes, complete } = await bodyOf(request)
    const { arrived, entry } = received(request, bytes)
    seen.push(entry)
    response.once('close', () => {
      entry.aborted = !response.writableFinished
    })
    if (!complete || response.destroyed) {
      entry.aborted = true
      return
    }
    const choice = choose(arrived)
    entry.status = 'exchange' in choice ? choice.exchange.response.status : 599
    if (!('exchange' in choice)) {
      unmatched.push({ request: entry, ...choice })
      return refuse(response, choice)
    }
    entry.recording = choice.exchange.id
    await replay(response, choice.exchange, entry)
  }

  async function replay(response: ServerResponse, exchange: Exchange, entry: SeenRequest): Promise<void> {
    const chunks = responseChunks(exchange)
    response.writeHead(exchange.response.status, headersOf(exchange))
    if (exchange.streaming) response.flushHeaders()
    let written = 0
    for (const piece of pieces(chunks, options.cut ?? 'event')) {
      await unlessLeft(response, async () => options.beforeWrite?.(entry, written))
      if (response.destroyed) return
      // The callback comes when the socket has taken the piece, so a slow reader holds the next one back.
      await unlessLeft(response, () => new Promise((taken) => response.write(piece, () => taken())))
      await setImmediate()
      written += piece.length
    }
    response.end()
  }

  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function close(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }

  return {
    url,
    seen,
    unmatched,
    baseUrlFor: (exchange, suffix = '', { byId = false } = {}) =>
      `${url}${byId ? `/id/${exchange.id}` : ''}/${exchange.request.host}${pathBefore(suffix, exchange)}`,
    async idle() {
      while (open.size > 0) await Promise.all(open)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function pathBefore(suffix: string, { id, request: { path } }: Exchange): string {
  // A suffix without escapes may belong to a path with them, so the place is found from the end, decoded.
  for (let at = path.length; at >= 0; at--) {
    if (decoded(path.slice(at)) === decoded(suffix)) return path.slice(0, at)
  }
  throw new Error(`The path of ${id}, ${path}, does not end with ${suffix}.`)
}

/** Waits for the work, but no longer than the client stays. */
function unlessLeft(response: ServerResponse, work: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.destroyed) return resolve()
    const leave = () => resolve()
    response.once('close', leave)
    work()
      .finally(() => response.off('close', leave))
      .then(resolve, reject)
  })
}

async function bodyOf(request: IncomingMessage): Promise<{ readonly bytes: Buffer; readonly complete: boolean }> {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  const complete = await new Promise<boolean>((resolve) => {
    request.once('end', () => resolve(true))
    request.once('error', () => resolve(false))
    request.once('close', () => resolve(request.complete))
  })
  return { bytes: Buffer.concat(parts), complete }
}

function received(request: IncomingMessage, bytes: Buffer): { readonly arrived: Arrived; readonly entry: Growing } {
  const { pathname, searchParams } = new URL(`http://upstream${request.url}`)
  const { id, host, path } = partsOf(pathname)
  const asked = {
    method: request.method ?? 'GET',
    host,
    path,
    query: parsedQuery(searchParams),
    body: bytes.length === 0 ? undefined : jsonOf(bytes),
  }
  const given = String(request.headers['x-recording-id'] ?? id ?? credentialId(request.headers, asked.query) ?? '')
  return {
    arrived: { asked, id: given || undefined, anyPath: id !== undefined && host === undefined },
    entry: {
      ...asked,
      url: request.url ?? '/',
      headers: request.headers,
      bytes,
      recording: undefined,
      status: undefined,
      aborted: false,
    },
  }
}

/** `/id/<id>` and a host may stand before the path, in this order. No recorded path begins with a segment like a host. */
function partsOf(pathname: string): {
  readonly id: string | undefined
  readonly host: string | undefined
  readonly path: string
} {
  const [, id, rest = pathname] = /^\/id\/([^/]+)(.*)$/.exec(pathname) ?? []
  const [, host, path = rest] = /^\/((?!v\d)[^/]*(?:[.:]|%3a)[^/]*)(\/.*)$/i.exec(rest) ?? []
  return { id: id && decoded(id), host: host && decoded(host).toLowerCase(), path: decoded(path) }
}

/** A gateway forwards the credential and few other headers, so an id may stand in for it: `recording:<id>`. */
function credentialId(headers: IncomingHttpHeaders, query: Asked['query']): string | undefined {
  const credentials = [
    headers.authorization,
    headers['x-api-key'],
    headers['api-key'],
    headers['x-goog-api-key'],
    query.key,
  ]
  for (const credential of credentials) {
    const id = /\brecording:([\w.-]+)/.exec(String(credential ?? ''))?.[1]
    if (id !== undefined) return id
  }
  return undefined
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Of a connection that is no more, and of a body that was counted and packed differently. */
const notReplayed = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function headersOf(exchange: Exchange): Record<string, string> {
  const headers = Object.fromEntries(
    Object.entries(exchange.response.headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !notReplayed.has(name)),
  )
  // A few sources dropped the content type or put a mark in its place.
  if (!headers['content-type']?.includes('/')) headers['content-type'] = contentTypeOf(exchange)
  if (exchange.streaming) return headers
  const length = responseChunks(exchange).reduce((sum, { length }) => sum + length, 0)
  return { ...headers, 'content-length': String(length) }
}

function contentTypeOf({ response }: Exchange): string {
  if ('body' in response) return 'application/json'
  if ('text' in response) return 'text/plain; charset=utf-8'
  if (response.encoding === 'base64') return 'application/vnd.amazon.eventstream'
  return response.chunks[0]?.startsWith('{') ? 'application/x-ndjson' : 'text/event-stream'
}

/** The whole difference may run to hundreds of lines when the nearest is not near. */
const shownDifferences = 40

function refuse(
  response: ServerResponse,
  { message, nearest, difference }: Exclude<Choice, { exchange: Exchange }>,
): void {
  const error = {
    message,
    nearest: nearest ?? null,
    differences: difference.length,
    difference: difference.slice(0, shownDifferences),
  }
  response.writeHead(599, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error }, undefined, 2))
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '0' }, cut: { type: 'string', default: 'event' } },
  })
  const cut =
    values.cut === 'event' || values.cut === 'whole' || values.cut === 'byte' ? values.cut : Number(values.cut)
  const { url } = await startReplayUpstream({ port: Number(values.port), cut })
  console.log(`The recordings are served at ${url}, for example ${url}/api.openai.com/v1`)
}
