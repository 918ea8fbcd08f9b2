import type { ChatRequest } from '../core/chat.ts'
import type { Config } from '../core/config.ts'
import { clientLeft, GatewayError } from '../core/error.ts'
import type { Rounds } from '../core/rounds.ts'
import type { Asked, Dialect, RequestFacts } from '../dialects/dialect.ts'
import { parseBody } from '../dialects/request-body.ts'
import type { Door, Exchange, Reply } from '../http/exchange.ts'
import type { Framing } from '../http/frames.ts'
import type { Send } from '../http/upstream.ts'
import type { Target } from '../routing/plan.ts'
import type { CallStart, CallTrace } from '../telemetry/trace.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { paid } from './credential.ts'
import { headerText, withKeyOfQuery } from './headers.ts'
import { type Identity, type IdentityDeps, identify } from './identity.ts'
import type { Remembered } from './remembered.ts'
import type { GatewayState, ProjectState } from './state.ts'
import { targetsFor } from './targets.ts'
import type { TokenShelf } from './tokens.ts'
import { tryTargets } from './try-targets.ts'

export interface InferenceDeps extends Pick<IdentityDeps, 'newTraceId'> {
  readonly state: () => GatewayState
  readonly trace: (start: CallStart) => CallTrace
  readonly send: Send
  readonly rounds: Rounds
  readonly remembered: Remembered
  readonly tokens: TokenShelf
  /** From 0 to below 1. */
  readonly random: () => number
  /** Letters and digits, never the same twice. */
  readonly newId: () => string
}

/** A door for chats in one dialect, and what is particular to it. */
export interface ChatDoor {
  readonly path: string
  readonly dialect: Dialect
  /** Who gets the models that nobody claims: the dialect's own vendor. */
  readonly vendor: string
  /** For dialects that have the model in the address; every path below `path` is theirs then. */
  readonly address?: (exchange: Exchange) => Address
  /** What has to be known or changed before the request can be sent. */
  readonly prepare?: (
    request: Prepared,
    target: Target | undefined,
    project: ProjectState,
    limits: Config['limits'],
  ) => Promise<Prepared & Preparation>
}

export interface Address {
  readonly asked: Asked
  readonly framing?: Framing
}

/** A request as it goes on from its door. */
export interface Prepared {
  readonly body: Buffer
  readonly facts: RequestFacts
}

export interface Preparation {
  readonly answerId?: string
  readonly onAnswer?: Call['onAnswer']
}

export const chatDoor = (door: ChatDoor, deps: InferenceDeps): Door => ({
  method: 'POST',
  scope: 'inference',
  path: door.path,
  ...(door.address && { prefix: true }),
  handle: (exchange) => inference(exchange, door, deps),
})

/** An exchange becomes a call, and the call's answer a reply. From its first line on, whatever happens is recorded. */
async function inference(exchange: Exchange, door: ChatDoor, deps: InferenceDeps): Promise<Reply> {
  const { dialect, vendor } = door
  const state = deps.state()
  const { limits, cancel, translation } = state.config
  const identity = identify(exchange, { newTraceId: deps.newTraceId, projects: state.projects })
  const { problem, project, ids } = identity
  const trace = begun(exchange, identity, dialect, deps)
  if (problem) throw problem

  const { replyHeaders, headers, caller } = exchange
  const address = door.address?.(exchange)
  const body = await exchange.body()
  trace.received(body)
  let targets: readonly Target[] = []
  const facts = dialect.readRequest(body, { ...limits, ...(address && { asked: address.asked }) }, (model) => {
    trace.asked(model, undefined)
    replyHeaders['x-model-name'] = headerText(model)
    targets = targetsFor(model, project, vendor, caller)
    trace.asked(model, targets[0]?.provider.name)
    if (targets[0]) replyHeaders['x-provider-name'] = headerText(targets[0].provider.name)
  })
  trace.streams(facts.stream)

  const read: Prepared & Preparation = { body, facts }
  const sent = { dialect, headers: withKeyOfQuery(headers, exchange.query) }
  const paying = { isOpen: state.keys.size === 0, random: deps.random }
  const tries = targets.flatMap((target) => paid(sent, target, paying))
  const prepared = door.prepare ? await whileHere(exchange, door.prepare(read, tries[0], project, limits)) : read
  let understood: Understood | undefined
  const understand = (): Understood => (understood ??= understoodOf(dialect, prepared, ids.projectId, deps.remembered))
  const call: Call = {
    ...sent,
    facts: prepared.facts,
    body: prepared.body,
    chat: () => understand().chat,
    isRestored: (lost) => understand().restored.has(lost),
    framing: address?.framing ?? dialect.framing,
    strict: isStrict(headers['x-trunkline-strict'], translation),
    ...(prepared.answerId !== undefined && { answerId: prepared.answerId }),
    trace,
    replyHeaders,
    onAnswer(answer, context) {
      deps.remembered.keep(ids.projectId, answer)
      prepared.onAnswer?.(answer, context)
    },
    onGone: (listener) => exchange.onGone(listener),
  }
  const { send, rounds, newId, tokens } = deps
  return replyOf(await tryTargets(call, tries, { send, rounds, cancel, newId, tokens }), call)
}

/** From here on the call is recorded, and its client will hear where. */
function begun(
  exchange: Exchange,
  { problem: _, project, ...identity }: Identity,
  dialect: Dialect,
  { trace: traced }: Pick<InferenceDeps, 'trace'>,
): CallTrace {
  const { replyHeaders, method, path, arrivedUs } = exchange
  const { traceId, runId, threadId } = identity.ids
  const trace = traced({
    ...identity,
    startedUs: arrivedUs,
    method,
    path,
    dialect: dialect.name,
    withoutBodies: !project.project.settings.captureBodies,
  })
  exchange.onDone((done) => trace.end(done))
  replyHeaders['x-trace-id'] = traceId
  replyHeaders['x-run-id'] = headerText(runId)
  if (threadId !== undefined) replyHeaders['x-thread-id'] = headerText(threadId)
  return trace
}

/** Nobody is asked for a client that has left meanwhile. */
async function whileHere(
  exchange: Exchange,
  preparing: Promise<Prepared & Preparation>,
): Promise<Prepared & Preparation> {
  let hasLeft = false
  exchange.onGone(() => {
    hasLeft = true
  })
  const prepared = await preparing
  if (hasLeft) throw clientLeft()
  return prepared
}

interface Understood {
  readonly chat: ChatRequest
  /** Where thoughts stand of which the client has sent none. */
  readonly restored: ReadonlySet<string>
}

function understoodOf(
  dialect: Dialect,
  { body, facts }: Prepared,
  project: string,
  remembered: Remembered,
): Understood {
  const { model, stream } = facts
  const sent = dialect.decodeRequest(parseBody(body), { model, stream })
  const chat = remembered.restored(project, sent)
  const restored = sent.messages.flatMap((message, index) =>
    chat.messages[index] === message || message.parts.some(({ kind }) => kind === 'reasoning')
      ? []
      : [`messages[${index}].reasoning`],
  )
  return { chat, restored: new Set(restored) }
}

/** A header that says something else than it may is no way to say it: whoever sent it means something. */
function isStrict(said: string | string[] | undefined, translation: Config['translation']): boolean {
  if (said === undefined || said === '') return translation === 'strict'
  if (said === 'true' || said === 'false') return said === 'true'
  throw new GatewayError('bad_request', 'x-trunkline-strict must be true or false.', { param: 'x-trunkline-strict' })
}

/** How a stream that has begun says that it failed. */
const failureIn = (
  { encodeError, encodeStreamError }: Dialect,
  { last }: Framing,
): NonNullable<Reply['encodeFailure']> => (last ? (error) => last({ data: encodeError(error) }) : encodeStreamError)

const replyOf = ({ status, headers, body, streaming }: Answer, { dialect, framing }: Call): Reply => ({
  status,
  headers,
  body,
  ...(streaming && { encodeFailure: failureIn(dialect, framing) }),
})
