import type { ChatRequest } from '../core/chat.ts'
import { requestText } from '../core/chat-text.ts'
import { GatewayError } from '../core/error.ts'
import type { Counting, Dialect } from '../dialects/dialect.ts'
import { type BodyRules, parseBody, readBody, readModel } from '../dialects/request-body.ts'
import { fieldsOf, jsonOf } from '../dialects/values.ts'
import { type Door, type Exchange, jsonReply, type Reply } from '../http/exchange.ts'
import { abilitiesFor } from '../providers/abilities.ts'
import { endpointFor, pathOf } from '../providers/endpoint.ts'
import { plan } from '../routing/plan.ts'
import { headerText, replyHeadersOf, upstreamHeaders, withKeyOfQuery } from './headers.ts'
import type { InferenceDeps } from './inference.ts'
import { type Relayed, relay } from './relay.ts'
import { translatedError, withHints } from './told.ts'
import { withoutKeys } from './without-keys.ts'

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
  const { providers, limits } = deps.state()
  const body = await exchange.body()
  const { scan } = readBody(body, limits, rules)
  const fields = fieldsOf(parseBody(body))
  const name = modelAsked ?? readModel(fields)
  const [target] = plan(name, { providers }, vendor)
  if (!target) throw new GatewayError('model_not_found', `No provider offers the model ${name}.`, { param: 'model' })
  const { provider, model } = target
  exchange.replyHeaders['x-provider-name'] = headerText(provider.name)
  exchange.replyHeaders['x-model-name'] = headerText(name)
  const endpoint = endpointFor(provider, model, dialect.name, () => ({ hasTools: false, effort: undefined }))
  const path = pathOf(endpoint, 'countTokens', model)
  const { counting } = endpoint.dialect
  const isNative = endpoint.dialect === dialect && !dialect.holdsForeign?.(body)
  const chat = (): ChatRequest => dialect.counting.decodeRequest(fields, { model, stream: false })
  if (path === undefined || !counting) {
    const tokens = await deps.estimate(requestText(chat()))
    exchange.replyHeaders['x-trunkline-estimated'] = 'tokens'
    return jsonReply(200, dialect.counting.encodeAnswer(tokens))
  }
  const sent =
    (isNative && counting.editRequest?.(body, scan, { asked: name, model })) ||
    Buffer.from(
      JSON.stringify(
        counting.encodeRequest({ ...chat(), model }, abilitiesFor(provider, model, endpoint.dialect.name)).body,
      ),
    )
  const call = { dialect, headers: withKeyOfQuery(exchange.headers, exchange.query) }
  const headers = upstreamHeaders(call, target, endpoint)
  const { connectMs } = provider.timeouts
  const answer = await relay(
    { origin: provider.origin, path, method: 'POST', headers, body: sent, connectMs },
    { send: provider.provider.send ?? deps.send, provider, exchange },
  )
  return replyOf(answer, withoutKeys(answer.bytes, headers), dialect, endpoint.dialect, provider.name)
}

/** What a provider of the client's own dialect says goes on as it came; of others only the number, or the error. */
function replyOf(
  { status, headers }: Relayed,
  bytes: Buffer,
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
