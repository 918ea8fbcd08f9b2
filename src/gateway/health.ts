import { type Door, type Exchange, jsonReply } from '../http/exchange.ts'

export interface Health {
  readonly phase: 'starting' | 'running' | 'draining'
  /** What does not work as it should while calls go on. */
  readonly problems: readonly string[]
}

/**
 * `live`: the process answers. `ready`: it takes calls; what is wrong behind it is no reason to refuse any, and is said to
 * those who may know.
 */
export const healthDoors = (health: () => Health, mayKnow: (exchange: Exchange) => boolean): Door[] => [
  {
    method: 'GET',
    path: '/health/live',
    scope: 'public',
    always: true,
    handle: () => jsonReply(200, { status: 'live' }),
  },
  {
    method: 'GET',
    path: '/health/ready',
    scope: 'public',
    always: true,
    handle(exchange) {
      const { phase, problems } = health()
      if (phase !== 'running') return jsonReply(503, { status: phase })
      if (problems.length === 0) return jsonReply(200, { status: 'ready' })
      return jsonReply(200, { status: 'degraded', ...(mayKnow(exchange) && { reasons: problems }) })
    },
  },
]
