import type { ChatRequest } from '../core/chat.ts'
import { requestText } from '../core/chat-text.ts'
import { GatewayError } from '../core/error.ts'
import type { Counting, Dialect } from '../dialects/dialect.ts'
import { type BodyRules, parseBody, readBody, readModel } from '../dialects/request-body.ts'
import { fieldsOf, jsonOf } from '../dialects/values.ts'
import { type Door, type Exchange, jsonReply, type Reply } from '../http/exchange.ts'
import type { UpstreamRequest } from '../http/upstream.ts'
import { abilitiesFor } from '../providers/abilities.ts'
import { endpointFor, pathOf } from '../providers/endpoint.ts'
import type { ConfiguredEndpoint, ConfiguredProvider } from '../providers/provider.ts'
import type { ReadyTarget } from './attempt.ts'
import { paid } from './credential.ts'
import { headerText, replyHeadersOf, upstreamHeaders, withKeyOfQuery } from './headers.ts'
import { identify } from './identity.ts'
import type { InferenceDeps } from './inference.ts'
import { type Relayed, relayPaid } from './relay.ts'
import { targetsFor } from './targets.ts'
import { translatedError, withHints } from './told.ts'

const rules: BodyRules = { wanted: 'Send what you would send to have it answered.', read: ['model'], large: 'messages' }

export interface CountDeps extends InferenceDeps {
  /** How many tokens a text has, as far as we can tell; asked of another thread. */
  readonly estimate: (text: string) => Promise<number>
}

/** A dialect in which one can ask for a count. */
export type CountingDialect = Dialect & { readonly counting: Counting }

export interface CountDoor {
  readonly path: string
  readonly dialect: CountingDialect
  readonly vendor: string
}

export const countDoor = (door: CountDoor, deps: CountDeps): Door => ({
  method: 'POST',
  scope: 'inference',
  path: door.path,
  handle: (exchange) => countTokens(exchange, door, undefined, deps),
})

/**
 * How many tokens a request has, in the words of whoever asks. A provider that counts is asked; for one that does not,
 * we estimate, and say so in a header. Nothing is used by it, so it is no call and not recorded.
 */
export async function countTokens(
  exchange: Exchange,
  { dialect, vendor }: Omit<CountDoor, 'path'>,
  modelAsked: string | undefined,
  deps: CountDeps,
): Promise<Reply> {
  const state = deps.state()
  const { limits } = state.config
  const { problem, project } = identify(exchange, { newTraceId: deps.newTraceId, projects: state.projects })
  if (problem) throw problem
  const body = await exchange.body()
  const { scan } = readBody(body, limits, rules)
  const fields = fieldsOf(parseBody(body))
  const name = modelAsked ?? readModel(fields)
  const [target] = targetsFor(name, project, vendor, exchange.caller)
  if (!target) throw new GatewayError('model_not_found', `No provider offers the model ${name}.`, { param: 'model' })
  const { provider, model } = target
  exchange.replyHeaders['x-provider-name'] = headerText(provider.name)
  exchange.replyHeaders['x-model-name'] = headerText(name)
  const chat = (): ChatRequest => dialect.counting.decodeRequest(fields, { model, stream: false })
  const endpointOf = (at: ConfiguredProvider): ConfiguredEndpoint =>
    endpointFor(at, model, dialect.name, () => ({ hasTools: false, effort: undefined }))
  const endpoint = endpointOf(provider.own[0]?.at ?? provider)
  const { counting } = endpoint.dialect
  if (pathOf(endpoint, 'countTokens', model) === undefined || !counting) {
    const tokens = await deps.estimate(requestText(chat()))
    exchange.replyHeaders['x-trunkline-estimated'] = 'tokens'
    return jsonReply(200, dialect.counting.encodeAnswer(tokens))
  }
  const isNative = endpoint.dialect === dialect && !dialect.holdsForeign?.(body)
  const sent =
    (isNative && counting.editRequest?.(body, scan, { asked: name, model })) ||
    Buffer.from(
      JSON.stringify(
        counting.encodeRequest({ ...chat(), model }, abilitiesFor(provider, model, endpoint.dialect.name)).body,
      ),
    )
  const call = { dialect, headers: withKeyOfQuery(exchange.headers, exchange.query) }
  const tries = paid(call, target, { isOpen: state.keys.size === 0, random: deps.random })
  const requestTo = ({ provider: at, header }: ReadyTarget): UpstreamRequest => {
    const there = endpointOf(at)
    return {
      origin: at.origin,
      path: pathOf(there, 'countTokens', model) ?? '',
      method: 'POST',
      headers: upstreamHeaders(call, header, there),
      body: sent,
      connectMs: at.timeouts.connectMs,
      mayBePrivate: at.mayBePrivate,
    }
  }
  const answer = await relayPaid(tries, requestTo, { ...deps, exchange })
  return replyOf(answer, dialect, endpoint.dialect, provider.name)
}

/** What a provider of the client's own dialect says goes on as it came; of others only the number, or the error. */
function replyOf(
  { status, headers, bytes }: Relayed,
  client: CountingDialect,
  { counting, readError, name }: Dialect,
  provider: string,
): Reply {
  const isNative = name === client.name
  if (status >= 400) {
    const { error, asItCame } = readError(status, bytes, headers)
    if (!isNative) throw translatedError(error, headers, client)
    if (!asItCame) throw withHints(error, headers)
    return { status, headers: replyHeadersOf(headers, false), body: bytes }
  }
  const tokens = counting?.decodeAnswer(jsonOf(bytes))
  if (tokens === undefined)
    throw new GatewayError('upstream_invalid', `${provider} was asked for a count of tokens and gave none.`)
  return isNative
    ? { status, headers: replyHeadersOf(headers, false), body: bytes }
    : jsonReply(200, client.counting.encodeAnswer(tokens))
}
