import type { ChatAnswer } from '../core/chat.ts'
import type { Config } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import type { AnswerContext } from '../dialects/dialect.ts'
import { openaiResponses } from '../dialects/openai-responses/openai-responses.ts'
import {
  continued,
  dereferenced,
  inputItemsOf,
  isOurResponseId,
  referredResponses,
  refuseReferences,
  responseIdPrefix,
  type StoredResponse,
} from '../dialects/openai-responses/state.ts'
import { invalid, parseBody } from '../dialects/request-body.ts'
import { booleanOf, type Fields, fieldsOf, stringOf } from '../dialects/values.ts'
import { holdsClientKey } from '../http/caller.ts'
import { type Door, type Exchange, jsonReply, type Reply } from '../http/exchange.ts'
import type { UpstreamRequest } from '../http/upstream.ts'
import { endpointFor } from '../providers/endpoint.ts'
import type { ConfiguredEndpoint } from '../providers/provider.ts'
import type { Target } from '../routing/plan.ts'
import type { ReadyTarget } from './attempt.ts'
import { paid } from './credential.ts'
import { headerText, replyHeadersOf, upstreamHeaders } from './headers.ts'
import { identify } from './identity.ts'
import type { ChatDoor, InferenceDeps, Preparation, Prepared } from './inference.ts'
import { mayAsk, notForKey } from './key-models.ts'
import { relayPaid } from './relay.ts'
import type { GatewayState, ProjectState } from './state.ts'

/** Answers of providers that keep none themselves, for the next turn of whoever goes on by their id. */
export interface ResponseStore {
  /** Only in memory if it is not to last. */
  keep(project: string, response: StoredResponse, lasts?: boolean): void
  find(project: string, id: string): Promise<StoredResponse | undefined>
  /** False when there was none. */
  remove(project: string, id: string): Promise<boolean>
}

export interface ResponsesDeps extends InferenceDeps {
  readonly responses: ResponseStore
}

/** Fields of a request that mean a state somewhere. */
const stateful = ['previous_response_id', 'store', 'background', 'conversation'] as const

/**
 * State for providers that have none. A provider that speaks this dialect keeps its own answers and gets the request as it
 * came; for all others we keep them, and an id of ours is resolved to what was said before it.
 */
export const withState =
  ({ responses, newId }: Pick<ResponsesDeps, 'responses' | 'newId'>): NonNullable<ChatDoor['prepare']> =>
  async (request, target, { project: { id: project, settings } }, limits): Promise<Prepared & Preparation> => {
    const isNative = target !== undefined && speaksResponses(target)
    const { members } = request.facts.scan
    const mayRefer = request.body.includes(referenceMark)
    if (isNative && !members.has('previous_response_id') && !mayRefer) return request
    const asked = Object.fromEntries(
      stateful.flatMap((name) => {
        const span = members.get(name)
        return span ? [[name, parseBody(request.body.subarray(span.start, span.end))]] : []
      }),
    )
    const previous = stringOf(asked.previous_response_id)
    const goesOnFromOurs = previous !== undefined && isOurResponseId(previous)
    if (isNative && !goesOnFromOurs && !mayRefer) return request
    if (!isNative) refuseStateElsewhere(asked, previous, target)
    const fields = fieldsOf(parseBody(request.body))
    const find = (id: string): Promise<StoredResponse | undefined> => responses.find(project, id)
    const whole = await withItems(goesOnFromOurs ? await withPrevious(previous, fields, find) : fields, find)
    if (!isNative) refuseReferences(whole)
    const goesOn = whole === fields ? request : bodyOf(whole, limits)
    if (isNative) return goesOn
    const keeps = booleanOf(asked.store) ?? true
    const id = `${responseIdPrefix}${newId()}`
    return {
      ...goesOn,
      answerId: id,
      ...(keeps && {
        // As the client was told it, to the second and with the same ids.
        onAnswer: (answer: ChatAnswer, context: AnswerContext) =>
          responses.keep(
            project,
            {
              id,
              response: fieldsOf(openaiResponses.encodeAnswer(answer, context)),
              input: inputItemsOf(whole),
            },
            settings.captureBodies,
          ),
      }),
    }
  }

/** What stands in a request that refers to items of earlier answers, ours perhaps. */
const referenceMark = '"item_reference"'

type Find = (id: string) => Promise<StoredResponse | undefined>

async function withPrevious(id: string, body: Fields, find: Find): Promise<Fields> {
  const before = await find(id)
  if (!before) throw notFound(id, 400)
  return continued(before, body)
}

/** Some clients send of what was said before only where it is kept. */
async function withItems(body: Fields, find: Find): Promise<Fields> {
  const ids = referredResponses(body)
  if (ids.length === 0) return body
  const kept = await Promise.all(ids.map(find))
  return dereferenced(
    body,
    kept.filter((one) => one !== undefined),
  )
}

const speaksResponses = (target: Target): boolean => endpointAt(target).dialect === openaiResponses

const endpointAt = ({ provider, model }: Target): ConfiguredEndpoint =>
  endpointFor(provider, model, openaiResponses.name, () => ({ hasTools: false, effort: undefined }))

function refuseStateElsewhere(
  asked: Readonly<Record<string, unknown>>,
  previous: string | undefined,
  target: Target | undefined,
): void {
  const name = target?.provider.name ?? 'The provider'
  if (asked.background === true) {
    throw new GatewayError('unsupported_field', `${name} cannot answer in the background. Leave \`background\` out.`, {
      param: 'background',
    })
  }
  if (asked.conversation !== undefined && asked.conversation !== null) {
    throw new GatewayError(
      'unsupported_field',
      `${name} keeps no conversations. Use \`previous_response_id\` in place of \`conversation\`.`,
      { param: 'conversation' },
    )
  }
  if (previous !== undefined && !isOurResponseId(previous)) {
    throw invalid(
      'previous_response_id',
      `The response ${previous.slice(0, 100)} is kept by the provider that gave it, and ${name} does not know it. Send the conversation in \`input\`.`,
    )
  }
}

function bodyOf(fields: unknown, limits: Config['limits']): Prepared {
  const body = Buffer.from(JSON.stringify(fields))
  if (body.length > limits.bodyBytes) {
    throw new GatewayError(
      'body_too_large',
      `The request is larger than ${limits.bodyBytes} bytes with all that was said before it. Begin a new conversation, or raise limits.body_bytes.`,
      { param: 'previous_response_id' },
    )
  }
  return { body, facts: openaiResponses.readRequest(body, limits, () => undefined) }
}

const notFound = (id: string, status: 400 | 404): GatewayError =>
  new GatewayError('not_found', `There is no response ${id.slice(0, 100)} in this project, or no longer.`, {
    status,
    param: status === 400 ? 'previous_response_id' : 'response_id',
    ...(status === 400 && { openaiCode: 'previous_response_not_found' }),
  })

const root = '/v1/responses/'

/** What one can do with an answer that is kept: see it, see what led to it, delete it. */
export const responseDoors = (deps: ResponsesDeps): Door[] => [
  { method: 'GET', path: root, scope: 'inference', prefix: true, handle: (exchange) => show(exchange, deps) },
  { method: 'DELETE', path: root, scope: 'inference', prefix: true, handle: (exchange) => remove(exchange, deps) },
  {
    method: 'POST',
    path: root,
    scope: 'inference',
    prefix: true,
    mayBeEmpty: true,
    handle: (exchange) => cancel(exchange, deps),
  },
]

interface Place {
  readonly id: string
  /** What stands behind the id. */
  readonly rest: string
  readonly project: string
  readonly state: GatewayState
  readonly projectState: ProjectState
}

function placeOf(exchange: Exchange, deps: ResponsesDeps): Place {
  const state = deps.state()
  const { problem, ids, project } = identify(exchange, { newTraceId: deps.newTraceId, projects: state.projects })
  if (problem) throw problem
  const [id = '', ...rest] = exchange.path.slice(root.length).split('/')
  return { id, rest: rest.join('/'), project: ids.projectId, state, projectState: project }
}

async function show(exchange: Exchange, deps: ResponsesDeps): Promise<Reply> {
  const place = placeOf(exchange, deps)
  const { id, rest, project } = place
  if (!isOurResponseId(id)) return relayed(exchange, 'GET', place, deps)
  const query = new URLSearchParams(exchange.query)
  if (query.get('stream') === 'true')
    throw new GatewayError('unsupported_field', 'A stored response cannot be streamed again.', { param: 'stream' })
  if (rest !== '' && rest !== 'input_items') throw unknown(exchange)
  const stored = await deps.responses.find(project, id)
  if (!stored) throw notFound(id, 404)
  return jsonReply(200, rest === '' ? stored.response : page(stored.input, query))
}

/** How many items a page has, unless the client says so, and at most. */
const pageLength = 20
const longestPage = 100

/** Items newest first, unless asked for in the order in which they came, from `after` on. */
function page(items: readonly unknown[], query: URLSearchParams): object {
  const limit = Number(query.get('limit') ?? pageLength)
  if (!Number.isInteger(limit) || limit < 1 || limit > longestPage)
    throw invalid('limit', `\`limit\` must be a whole number from 1 to ${longestPage}.`)
  const ordered = query.get('order') === 'asc' ? items : items.toReversed()
  const after = query.get('after')
  const from = after === null ? 0 : ordered.findIndex((item) => fieldsOf(item).id === after) + 1
  const data = ordered.slice(from, from + limit)
  return {
    object: 'list',
    data,
    first_id: fieldsOf(data[0]).id ?? null,
    last_id: fieldsOf(data.at(-1)).id ?? null,
    has_more: from + limit < ordered.length,
  }
}

async function remove(exchange: Exchange, deps: ResponsesDeps): Promise<Reply> {
  const place = placeOf(exchange, deps)
  const { id, rest, project } = place
  if (!isOurResponseId(id)) return relayed(exchange, 'DELETE', place, deps)
  if (rest !== '') throw unknown(exchange)
  if (!(await deps.responses.remove(project, id))) throw notFound(id, 404)
  return jsonReply(200, { id, object: 'response', deleted: true })
}

async function cancel(exchange: Exchange, deps: ResponsesDeps): Promise<Reply> {
  const place = placeOf(exchange, deps)
  const { id, rest, project } = place
  if (rest !== 'cancel') throw unknown(exchange)
  if (!isOurResponseId(id)) return relayed(exchange, 'POST', place, deps)
  if (!(await deps.responses.find(project, id))) throw notFound(id, 404)
  throw new GatewayError('bad_request', 'Only a response that is made in the background can be cancelled.', {
    param: 'response_id',
  })
}

const unknown = ({ path }: Exchange): GatewayError =>
  new GatewayError('unknown_url', `There is nothing at ${path.slice(0, 200)}.`)

/** A key of ours may stand in the address; there it would go on to whoever is asked. */
const withoutClientKeys = (query: string): string =>
  query
    .split('&')
    .filter((part) => ![...new URLSearchParams(part).values()].some(holdsClientKey))
    .join('&')

/** An id that is not ours is the door's own vendor's, who keeps its answers itself. */
async function relayed(
  exchange: Exchange,
  method: 'GET' | 'POST' | 'DELETE',
  { state, projectState }: Place,
  deps: ResponsesDeps,
): Promise<Reply> {
  const provider = projectState.providers.get('openai')
  const below = exchange.path.slice(root.length)
  // Whoever is called `openai` here may speak other dialects only, and nothing but these may be asked with its key.
  const isKnown =
    provider && speaksResponses({ provider, model: '' }) && /^[\w-]+(\/(cancel|input_items))?$/.test(below)
  if (!isKnown) throw unknown(exchange)
  if (!mayAsk(exchange.caller, provider.name)) throw notForKey(`${provider.name}/*`)
  const body = method === 'POST' ? await exchange.body() : Buffer.alloc(0)
  exchange.replyHeaders['x-provider-name'] = headerText(provider.name)
  const call = { dialect: openaiResponses, headers: exchange.headers }
  const tries = paid(call, { provider, model: '' }, { isOpen: state.keys.size === 0, random: deps.random })
  const requestTo = ({ provider: at, header }: ReadyTarget): UpstreamRequest => {
    const endpoint = endpointAt({ provider: at, model: '' })
    const [path = '', query = ''] = (endpoint.paths.whole?.before ?? '').split('?')
    const asked = [query, withoutClientKeys(exchange.query)].filter((part) => part !== '').join('&')
    return {
      origin: at.origin,
      path: `${path}/${below}${asked === '' ? '' : `?${asked}`}`,
      method,
      headers: upstreamHeaders(call, header, endpoint),
      body,
      connectMs: at.timeouts.connectMs,
      mayBePrivate: at.mayBePrivate,
    }
  }
  const { status, headers, bytes } = await relayPaid(tries, requestTo, { ...deps, exchange })
  return { status, headers: replyHeadersOf(headers, false), body: bytes }
}
