import { type Door, jsonReply } from '../http/exchange.ts'

export interface Health {
  readonly phase: 'starting' | 'running' | 'draining'
  /** What does not work as it should while calls go on. */
  readonly problems: readonly string[]
}

/** `live`: the process answers. `ready`: it takes calls; what is wrong behind it is said, and is no reason to refuse any. */
export const healthDoors = (health: () => Health): Door[] => [
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
    handle() {
      const { phase, problems } = health()
      if (phase !== 'running') return jsonReply(503, { status: phase })
      return jsonReply(200, problems.length === 0 ? { status: 'ready' } : { status: 'degraded', reasons: problems })
    },
  },
]
