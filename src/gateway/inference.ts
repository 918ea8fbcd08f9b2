import type { Config } from '../core/config.ts'
import type { Rounds } from '../core/rounds.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Door, Exchange, Reply } from '../http/exchange.ts'
import type { Send } from '../http/upstream.ts'
import { type Facts, plan, type Target } from '../routing/plan.ts'
import type { CallStart, CallTrace } from '../telemetry/trace.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { headerText } from './headers.ts'
import { type IdentityDeps, identify } from './identity.ts'
import { tryTargets } from './try-targets.ts'

/** What the door reads of the gateway's state; each call takes what is in force when it comes. */
export interface InferenceState {
  readonly limits: Config['limits']
  readonly cancel: Config['cancel']
  readonly projects: readonly string[]
  readonly facts: Facts
}

export interface InferenceDeps extends Pick<IdentityDeps, 'newTraceId'> {
  readonly state: () => InferenceState
  readonly trace: (start: CallStart) => CallTrace
  readonly send: Send
  readonly rounds: Rounds
}

/** A door for chats in one dialect. */
export const chatDoor = (path: string, dialect: Dialect, deps: InferenceDeps): Door => ({
  method: 'POST',
  path,
  handle: (exchange) => inference(exchange, dialect, deps),
})

/** An exchange becomes a call, and the call's answer a reply. From its first line on, whatever happens is recorded. */
async function inference(exchange: Exchange, dialect: Dialect, deps: InferenceDeps): Promise<Reply> {
  const { limits, cancel, projects, facts: routing } = deps.state()
  const { problem, ...identity } = identify(exchange.headers, exchange.remoteAddress, {
    newTraceId: deps.newTraceId,
    projects,
  })
  const { replyHeaders, method, path, headers } = exchange
  const trace = deps.trace({ ...identity, startedUs: exchange.arrivedUs, method, path, dialect: dialect.name })
  exchange.onDone((done) => trace.end(done))
  replyHeaders['x-trace-id'] = identity.ids.traceId
  replyHeaders['x-run-id'] = headerText(identity.ids.runId)
  if (identity.ids.threadId !== undefined) replyHeaders['x-thread-id'] = headerText(identity.ids.threadId)
  if (problem) throw problem

  const body = await exchange.body()
  trace.received(body)
  let targets: readonly Target[] = []
  const facts = dialect.readRequest(body, limits, (model) => {
    targets = plan(model, routing)
    trace.asked(model, targets[0]?.provider.name)
    replyHeaders['x-model-name'] = headerText(model)
    if (targets[0]) replyHeaders['x-provider-name'] = headerText(targets[0].provider.name)
  })
  trace.streams(facts.stream)

  const call: Call = {
    dialect,
    facts,
    body,
    headers,
    trace,
    replyHeaders,
    onGone: (listener) => exchange.onGone(listener),
  }
  return replyOf(await tryTargets(call, targets, { send: deps.send, rounds: deps.rounds, cancel }), dialect)
}

const replyOf = ({ status, headers, body, streaming }: Answer, dialect: Dialect): Reply => ({
  status,
  headers,
  body,
  ...(streaming && { encodeFailure: dialect.encodeStreamError }),
})
