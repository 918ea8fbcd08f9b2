import type { ChatRequest } from '../core/chat.ts'
import type { Credential, Token } from '../core/credential.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import { version } from '../core/version.ts'
import { abilitiesFor } from '../providers/abilities.ts'
import { endpointFor, pathOf } from '../providers/endpoint.ts'
import type { Header } from '../providers/key-headers.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import { refusedAt, usable } from '../providers/usable-credential.ts'
import { askOnce, type Send, type Whole } from './ask-once.ts'
import { callerIdentity } from './cloud/caller-identity.ts'
import { listedModels } from './listed-models.ts'

/** What came of the cheapest call that can be made with a credential. */
export interface ProbeResult {
  readonly ok: boolean
  /** The provider's, where it answered. */
  readonly status?: number
  readonly latencyMs: number
  /** Those that it listed, sorted, and not more than a thousand. */
  readonly models?: readonly string[]
  readonly error?: { readonly code: string; readonly message: string }
}

export interface ProbeTarget {
  /** As it is reached with the credential. */
  readonly provider: ConfiguredProvider
  readonly credential: Credential
  /** What a credential of a cloud has been changed into. */
  readonly token?: Token
  readonly headers?: Readonly<Record<string, string>>
}

/** How long all of it may take. */
const limitMs = 15_000
const noBody = Buffer.alloc(0)

/**
 * Finds out whether a credential is good for something, for nothing or next to it: the provider's models are listed. Where
 * it has no list, a model that we know is asked for one short answer. `nowMs` is the machine's clock.
 */
export async function probe(target: ProbeTarget, send: Send, nowMs: () => number): Promise<ProbeResult> {
  const trial = new Trial(target, send, nowMs)
  try {
    return { ok: true, ...(await trial.run()), ...trial.seen() }
  } catch (thrown) {
    const { code, message } = toGatewayError(thrown)
    return { ok: false, ...trial.seen(), error: { code, message: trial.withoutSecrets(message) } }
  }
}

interface Request {
  readonly method: 'GET' | 'POST'
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** Statuses of those who have nothing there. */
const isAbsent = (status: number): boolean => status === 404 || status === 405 || status === 501
const isGood = (status: number): boolean => status >= 200 && status < 300

class Trial {
  private readonly target: ProbeTarget
  private readonly send: Send
  private readonly nowMs: () => number
  private readonly untilMs: number
  private readonly secrets: readonly string[]
  private status: number | undefined
  private latencyMs = 0

  constructor(target: ProbeTarget, send: Send, nowMs: () => number) {
    const { credential, token, provider } = target
    this.target = target
    this.send = send
    this.nowMs = nowMs
    this.untilMs = performance.now() + limitMs
    this.secrets = [
      ...usable('', credential, provider.provider).secrets,
      ...(token?.kind === 'bearer' ? [token.token] : []),
      ...(token?.kind === 'aws' ? [token.secretAccessKey, token.sessionToken ?? ''] : []),
      ...provider.mayBeSecret,
      ...Object.values(target.headers ?? {}),
    ].filter((secret) => secret.length >= shortestSecret)
  }

  /** What the last call that counted has shown. */
  seen(): Pick<ProbeResult, 'status' | 'latencyMs'> {
    return { ...(this.status !== undefined && { status: this.status }), latencyMs: this.latencyMs }
  }

  async run(): Promise<Pick<ProbeResult, 'models'>> {
    const { provider, credential, token } = this.target
    // One that answers in this process takes whatever it is shown.
    if (provider.provider.send) return { models: provider.models }
    const refused = refusedAt(usable('', credential, provider.provider), provider)
    if (refused) throw refused
    if (token?.kind === 'aws') return this.askWhoItIs(token)
    const header = headerOf(this.target)
    // Says what is missing.
    if (provider.origin === '') endpointFor(provider, noModel, '', noNeeds)
    return (await this.list(header)) ?? this.askModel(header)
  }

  /** Undefined where there is no list. */
  private async list(header: Header | undefined): Promise<Pick<ProbeResult, 'models'> | undefined> {
    const { list } = this.target.provider
    if (!list) return undefined
    const request: Request = { method: 'GET', ...list }
    const answer = await this.ask(request, header)
    if (isAbsent(answer.status)) return undefined
    this.check(answer)
    const models = listedModels(answer.body)
    if (!models)
      throw new GatewayError(
        'upstream_invalid',
        `${this.place(list.path)} answered with something that is no list of models. Is the base URL right?`,
      )
    if (header && (await this.isForAnybody(request))) await this.checkKey(header, models)
    return { models }
  }

  /** A list that is shown without a key says nothing of the key. */
  private async isForAnybody(request: Request): Promise<boolean> {
    try {
      return isGood((await this.exchange(request, undefined)).status)
    } catch {
      return false
    }
  }

  /** Asks for a model that does not exist: it costs nothing, and a bad key is told first. */
  private async checkKey(header: Header, listed: readonly string[]): Promise<void> {
    const error = await this.refusalOf(noModel, this.target.provider.models[0] ?? listed[0] ?? noModel, header)
    if (!error || !aboutTheKey.has(error.code)) return
    this.status = error.status
    throw error
  }

  /** Why a model is not answered by; undefined when it is, or nobody knows. */
  private async refusalOf(model: string, like: string, header: Header): Promise<GatewayError | undefined> {
    try {
      const answer = await this.exchange(this.chat(like, model), header)
      return isGood(answer.status) ? undefined : this.errorOf(answer)
    } catch {
      return undefined
    }
  }

  private async askModel(header: Header | undefined): Promise<Pick<ProbeResult, 'models'>> {
    const { name, models, list } = this.target.provider
    const [model] = models
    if (model === undefined) {
      const where = list ? `${this.place(list.path)} lists no models` : `${name} lists no models`
      throw new GatewayError(
        'not_found',
        `${where}. Name one in providers.${name}.models, and it is asked for an answer.`,
      )
    }
    this.check(await this.ask(this.chat(model, model), header))
    return {}
  }

  /** A request to `model` at the address at which `like` is asked: for a count where there is one, else for a short answer. */
  private chat(like: string, model: string): Request {
    const { provider } = this.target
    const endpoint = endpointFor(provider, like, 'openai-chat', noNeeds)
    const { dialect, headers } = endpoint
    const abilities = abilitiesFor(provider, like, dialect.name)
    const count = dialect.counting && pathOf(endpoint, 'countTokens', model)
    const path = count ?? pathOf(endpoint, 'whole', model) ?? '/'
    const encode = count !== undefined && dialect.counting ? dialect.counting.encodeRequest : dialect.encodeRequest
    const { body } = encode(hello(model), abilities)
    return {
      method: 'POST',
      origin: provider.origin,
      path,
      headers: { ...headers, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    }
  }

  /** AWS says whose key it is; whether that may use a model, only the model's own permissions say. */
  private async askWhoItIs(token: Extract<Token, { readonly kind: 'aws' }>): Promise<Record<string, never>> {
    const region = /\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(this.target.provider.origin)?.[1] ?? 'us-east-1'
    // What is set for the provider's own host, such as a header with a secret, does not go along.
    const askAt = (nowMs: number): Promise<Whole> =>
      this.timed(() => this.sent({ method: 'POST', ...callerIdentity(token, region, nowMs) }, false))
    let answer = await askAt(this.nowMs())
    const serverMs = Date.parse(String(answer.headers.date))
    // Signed by a clock that is wrong it is refused, whatever the key.
    if (!isGood(answer.status) && Math.abs(serverMs - this.nowMs()) > 60_000) answer = await askAt(serverMs)
    if (isGood(answer.status)) return {}
    const code = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(answer.body.toString('utf8'))?.[1] ?? 'no reason'
    throw new GatewayError('unauthorized', `AWS does not know this key, or refuses it (${code}).`)
  }

  /** As `exchange`, and the status and the time that it took are part of the result. */
  private ask(request: Request, header: Header | undefined): Promise<Whole> {
    return this.timed(() => this.exchange(request, header))
  }

  private async timed(exchange: () => Promise<Whole>): Promise<Whole> {
    const beganMs = performance.now()
    try {
      const answer = await exchange()
      this.status = answer.status
      return answer
    } finally {
      this.latencyMs = Math.round(performance.now() - beganMs)
    }
  }

  private exchange(request: Request, header: Header | undefined): Promise<Whole> {
    const { provider, headers } = this.target
    const shown = header && { [header[0]]: header[1] }
    return this.sent({ ...request, headers: { ...request.headers, ...headers, ...shown } }, provider.mayBePrivate)
  }

  private sent({ method, origin, path, headers, body = noBody }: Request, mayBePrivate: boolean): Promise<Whole> {
    const { connectMs } = this.target.provider.timeouts
    const said = {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': `trunkline/${version}`,
      ...headers,
    }
    const request = { method, origin, path, headers: said, body, connectMs, mayBePrivate }
    return askOnce(this.send, request, this.untilMs - performance.now())
  }

  private check(answer: Whole): void {
    if (!isGood(answer.status)) throw this.errorOf(answer)
  }

  private errorOf({ status, headers, body }: Whole): GatewayError {
    const { name, endpoints } = this.target.provider
    const dialect = endpoints[0]?.dialect
    if (status >= 400 && dialect) return dialect.readError(status, body, headers).error
    return new GatewayError(
      'upstream_invalid',
      `${name} answered ${status}. Is its base URL right? Redirects are not followed.`,
    )
  }

  /** Some providers say back the key that they did not like. */
  withoutSecrets(message: string): string {
    return this.secrets.reduce((text, secret) => text.replaceAll(secret, '[key]'), message)
  }

  private place(path: string): string {
    return `${this.target.provider.name} at ${path}`
  }
}

/** Shorter ones are no secrets, and would be found everywhere. */
const shortestSecret = 8
const noModel = 'trunkline-asks-whether-the-key-is-good'
const aboutTheKey: ReadonlySet<string> = new Set([
  'unauthorized',
  'permission_denied',
  'no_credential',
  'quota_exceeded',
])

const noNeeds = () => ({ hasTools: false, effort: undefined })

/** As short as everybody takes it: some refuse a limit that is lower. */
const hello = (model: string): ChatRequest => ({
  model,
  stream: false,
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }],
  tools: [],
  settings: { maxTokens: 16 },
})

function headerOf({ credential, token, provider }: ProbeTarget): Header | undefined {
  const { isCloud, header } = usable('', credential, provider.provider)
  if (!isCloud) return header
  if (token?.kind === 'bearer') return ['authorization', `Bearer ${token.token}`]
  const reason = token?.kind === 'failed' ? token.reason : 'There is no token for this credential yet.'
  throw new GatewayError('no_credential', reason)
}
