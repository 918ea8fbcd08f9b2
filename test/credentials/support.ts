import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, vi } from 'vitest'
import type { Credential, Token, Tokens } from '../../src/core/credential.ts'
import { sourceOf } from '../../src/credentials/cloud/sources.ts'
import { TokenKeeper } from '../../src/credentials/token-keeper.ts'

export interface Asked {
  readonly method: string
  /** With what stands behind the question mark. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly form: URLSearchParams
}

export interface Answer {
  readonly status?: number
  readonly type?: string
  readonly body: string | object
}

/** A cloud on this machine, with a clock of its own. */
export interface Cloud extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly Asked[]
  /** Its clock is so far ahead of ours, in ms. */
  aheadMs: number
  /** Answers this to everything until it is `undefined` again. */
  trouble: Answer | undefined
}

export async function startCloud(answer: (asked: Asked, nowMs: number) => Answer): Promise<Cloud> {
  const asked: Asked[] = []
  const handle = (request: IncomingMessage, body: string, response: ServerResponse): void => {
    const { method = '', url: path = '', headers } = request
    const one = { method, path, headers, body, form: new URLSearchParams(body) }
    asked.push(one)
    const nowMs = Date.now() + cloud.aheadMs
    const { status = 200, type = 'application/json', body: said } = cloud.trouble ?? answer(one, nowMs)
    response.sendDate = false
    response.writeHead(status, {
      date: new Date(nowMs).toUTCString(),
      'content-type': type,
      // The metadata server of Google says that it is one.
      'metadata-flavor': 'Google',
    })
    response.end(typeof said === 'string' ? said : JSON.stringify(said))
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => handle(request, Buffer.concat(chunks).toString(), response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cloud: Cloud = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    aheadMs: 0,
    trouble: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return cloud
}

export interface Keeping extends Disposable {
  readonly keeper: TokenKeeper
  readonly told: readonly Tokens[]
  /** The token of the moment, once there is one that fits. */
  token(fits: (token: Token) => boolean): Promise<Token>
  /** Lets so much time pass at once, on all clocks. */
  pass(ms: number): void
}

export const id = 'credential'

export interface KeepOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly address?: Readonly<Record<string, string>>
  /** Where the vendor's library finds the vendor, whatever the host that it asks for. */
  readonly cloud?: Cloud
  /** How far our own clock is ahead. */
  readonly aheadMs?: number
}

/** The tokens of one credential, through the vendor's own library. Time passes as the test says; `pass` moves the cloud's clock too. */
export function keep(credential: Credential, options: KeepOptions = {}): Keeping {
  const { environment = {}, address = {}, cloud, aheadMs = 0 } = options
  let passedMs = 0
  let timers: { readonly atMs: number; readonly run: () => void }[] = []
  const steadyMs = () => performance.now() + passedMs
  const told: Tokens[] = []
  const detour = (url: string): string => {
    const { pathname, search } = new URL(url)
    return `${cloud?.url}${pathname}${search}`
  }
  const keeper = new TokenKeeper({
    nowMs: () => Date.now() + aheadMs + passedMs,
    onTokens: (tokens) => told.push(tokens),
    environment,
    random: () => 0,
    clock: {
      steadyMs,
      after(ms, run) {
        const timer = { atMs: steadyMs() + ms, run }
        timers.push(timer)
        return () => {
          timers = timers.filter((one) => one !== timer)
        }
      },
    },
    sources: (one, context) => sourceOf(one, { ...context, ...(cloud && { detour }) }),
  })
  keeper.keep([{ id, credential, provider: 'any', address }])
  return {
    keeper,
    told,
    token: (fits) =>
      vi.waitFor(
        () => {
          const token = told.at(-1)?.[id] as Token
          expect(token && fits(token)).toBe(true)
          return token
        },
        { timeout: 10_000, interval: 10 },
      ),
    pass(ms) {
      passedMs += ms
      if (cloud) cloud.aheadMs += ms
      const due = timers.filter(({ atMs }) => atMs <= steadyMs())
      timers = timers.filter((one) => !due.includes(one))
      for (const { run } of due) run()
    },
    [Symbol.dispose]: () => keeper.close(),
  }
}

export const isLive = ({ kind }: Token): boolean => kind !== 'failed'
export const isFailed = ({ kind }: Token): boolean => kind === 'failed'
export const reasonOf = (token: Token): string => (token.kind === 'failed' ? token.reason : '')
/** How long it is good, by a clock that shows `nowMs`. */
export const secondsLeft = (token: Token, nowMs = Date.now()): number =>
  token.kind === 'failed' ? 0 : Math.round(((token.expiresMs ?? Number.POSITIVE_INFINITY) - nowMs) / 1_000)
