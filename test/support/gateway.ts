import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ClientKey } from '../../src/core/access.ts'
import { type Config, defaultTimeouts } from '../../src/core/config.ts'
import type { ProjectCredential } from '../../src/core/credential.ts'
import { firstProject, type Project } from '../../src/core/project.ts'
import type { Health } from '../../src/gateway/health.ts'
import { type Gateway, type GatewayDeps, startGateway } from '../../src/threads/gateway.ts'
import { openWriter, type Writing } from './writing.ts'

export const usualConfig: Config = {
  server: { host: '127.0.0.1', port: 0, uiPort: 0, allowedHosts: [], drainMs: 1_000 },
  dataDir: '/nowhere',
  log: { level: 'silent', format: 'json' },
  limits: {
    headerBytes: 64 * 1024,
    bodyBytes: 1 << 20,
    jsonDepth: 100,
    jsonValues: 100_000,
    connections: 1_000,
    headerMs: 10_000,
    requestMs: 10_000,
  },
  timeouts: defaultTimeouts,
  cancel: { mode: 'abort', drainMs: 1_000, drainBytes: 1 << 20 },
  translation: 'lenient',
  recording: {
    flushIntervalMs: 100,
    flushCount: 1_000,
    flushBytes: 1 << 24,
    inFlightBytes: 1 << 26,
    bodyBytes: 1 << 22,
  },
  responses: { retentionDays: 30, maxBytes: 1 << 26 },
  providers: {},
  models: {},
}

export interface TestGatewayOptions {
  readonly config?: Partial<Config>
  readonly projects?: readonly Project[]
  readonly keys?: readonly ClientKey[]
  readonly health?: () => Health
  readonly ask?: GatewayDeps['ask']
  readonly apiSocket?: GatewayDeps['apiSocket']
}

export interface TestGateway extends AsyncDisposable {
  readonly url: string
  readonly gateway: Gateway
  readonly writing: Writing
  /** A chat, with the mock unless `fields` say otherwise. */
  chat(headers?: Record<string, string>, fields?: object): Promise<Response>
  /** All spans, oldest first, after everything that was recorded is in the file; the gateway records no more then. */
  spans(): readonly StoredRow[]
}

export interface StoredRow {
  readonly project: string
  readonly kind: string
  readonly status: string
  readonly detail: Record<string, unknown>
}

/** The gateway with a writer on a folder of its own, and with whatever control would hand it from the test. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const writing = await openWriter()
  const gateway = startGateway({
    config: { ...usualConfig, ...options.config },
    slabs: writing.slabs,
    health: options.health ?? (() => ({ phase: 'running', problems: [] })),
    onFault: (error) => {
      throw error
    },
    ask: options.ask ?? (async () => undefined),
    apiSocket: options.apiSocket ?? '/nowhere/api.sock',
  })
  if (options.projects) gateway.setProjects(options.projects)
  if (options.keys) gateway.setKeys(options.keys)
  const { port } = await gateway.listen()
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    gateway,
    writing,
    chat: (headers = {}, fields = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'Hello' }], ...fields }),
      }),
    spans() {
      writing.slabs.send()
      writing.writer.close()
      return writing
        .rows('traces', 'select project_id, kind, status, detail from spans order by started_us')
        .map((row) => ({
          project: String(row.project_id),
          kind: String(row.kind),
          status: String(row.status),
          detail: JSON.parse(String(row.detail)),
        }))
    },
    async [Symbol.asyncDispose]() {
      await gateway.drain(100)
      await writing[Symbol.asyncDispose]()
    },
  }
}

export const aProject = (id: string, parts: Partial<Project> = {}): Project => ({
  ...firstProject(id),
  name: id,
  isDefault: false,
  ...parts,
})

export const aCredential = (
  id: string,
  provider: string,
  key: string,
  parts: Partial<ProjectCredential> = {},
): ProjectCredential => ({
  id,
  provider,
  priority: 1,
  weight: 1,
  credential: { kind: 'api_key', fields: { api_key: key } },
  at: {},
  ...parts,
})

/** A client key as its owner has it, and as the gateway knows it. */
export function aKey(parts: Partial<ClientKey> = {}): { readonly text: string; readonly key: ClientKey } {
  const id = randomBytes(4).toString('hex')
  const text = `tl_${id}_${randomBytes(32).toString('base64url')}`
  return { text, key: { id, hash: createHash('sha256').update(text).digest('hex'), kind: 'inference', ...parts } }
}

export interface Heard {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Listener extends AsyncDisposable {
  readonly url: string
  /** What it was asked, in order. */
  readonly heard: readonly Heard[]
}

/** A provider, or whoever else is asked, on a port of its own or a local socket. */
export async function startListener(
  answer: (heard: Heard, response: ServerResponse) => void,
  path?: string,
): Promise<Listener> {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => {
      const { method = '', url = '', headers } = request
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
      heard.push(one)
      answer(one, response)
    })
  })
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve),
  )
  return {
    url: path ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    heard,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const completion = (text: string): string =>
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  })

export function reply(response: ServerResponse, status: number, body: string, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
}
