import { requestText } from '../core/chat-text.ts'
import { GatewayError } from '../core/error.ts'
import type { Counting, Dialect } from '../dialects/dialect.ts'
import { type BodyRules, parseBody, readBody, readModel } from '../dialects/request-body.ts'
import { fieldsOf } from '../dialects/values.ts'
import { type Door, type Exchange, jsonReply, type Reply } from '../http/exchange.ts'
import { abilitiesFor } from '../providers/abilities.ts'
import { endpointFor, pathOf } from '../providers/endpoint.ts'
import { plan } from '../routing/plan.ts'
import { headerText, upstreamHeaders, withKeyOfQuery } from './headers.ts'
import type { InferenceDeps } from './inference.ts'
import { relay } from './relay.ts'
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
  readBody(body, limits, rules)
  const fields = fieldsOf(parseBody(body))
  const name = modelAsked ?? readModel(fields)
  const [target] = plan(name, { providers }, vendor)
  if (!target) throw new GatewayError('model_not_found', `No provider offers the model ${name}.`, { param: 'model' })
  const { provider, model } = target
  exchange.replyHeaders['x-provider-name'] = headerText(provider.name)
  exchange.replyHeaders['x-model-name'] = headerText(name)
  const chat = dialect.counting.decodeRequest(fields, { model, stream: false })
  const endpoint = endpointFor(provider, model, dialect.name, () => ({ hasTools: false, effort: undefined }))
  const path = pathOf(endpoint, 'countTokens', model)
  const { counting } = endpoint.dialect
  if (path === undefined || !counting) {
    const tokens = await deps.estimate(requestText(chat))
    exchange.replyHeaders['x-trunkline-estimated'] = 'tokens'
    return jsonReply(200, dialect.counting.encodeAnswer(tokens))
  }
  const abilities = abilitiesFor(provider, model, endpoint.dialect.name)
  const sent = counting.encodeRequest({ ...chat, model }, abilities).body
  const call = { dialect, headers: withKeyOfQuery(exchange.headers, exchange.query) }
  const headers = upstreamHeaders(call, target, endpoint)
  const { connectMs, totalMs } = provider.timeouts
  const answer = await relay(
    { origin: provider.origin, path, method: 'POST', headers, body: Buffer.from(JSON.stringify(sent)), connectMs },
    provider.provider.send ?? deps.send,
    provider.name,
    totalMs,
  )
  if (answer.status >= 400) throw endpoint.dialect.readError(answer.status, withoutKeys(answer.bytes, headers)).error
  const tokens = counting.decodeAnswer(parsed(answer.bytes))
  if (tokens === undefined)
    throw new GatewayError('upstream_invalid', `${provider.name} was asked for a count of tokens and gave none.`)
  return jsonReply(200, dialect.counting.encodeAnswer(tokens))
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
