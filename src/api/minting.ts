import { type Caller, type ClientKey, isAllowed, type KeyKind } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import { wrongField } from './problems.ts'

/** What a key that is to be made will be good for. */
export interface WantedKey {
  readonly kind: KeyKind
  readonly projectId?: string
  readonly models?: readonly string[]
  readonly expiresUs?: number
}

/**
 * Refuses a key that would be good for more than the one with which it is made. Who needs no key may make any; what is
 * not said of the wanted key is taken as said of nothing, and not filled in from the other.
 */
export function checkMinting({ key }: Caller, wanted: WantedKey): void {
  if (key === undefined) return
  if (key.kind !== 'admin') throw new GatewayError('client_key_forbidden', 'A client key for calls makes no others.')
  if (key.projectId !== undefined && wanted.projectId !== key.projectId) {
    throw beyond(
      'project',
      `Your client key is bound to the project ${key.projectId}, so those that you make with it have to be, too.`,
    )
  }
  const uncovered = uncoveredBy(key, wanted)
  if (uncovered !== undefined) {
    throw beyond(
      'models',
      `Your client key is good for the models ${(key.models ?? []).join(', ')} only, which is less than ${uncovered}.`,
    )
  }
  if (key.expiresUs !== undefined && (wanted.expiresUs === undefined || wanted.expiresUs > key.expiresUs)) {
    const end = new Date(key.expiresUs / 1000).toISOString()
    throw beyond(
      'expires_us',
      `Your client key ends at ${end}, so those that you make with it have to end by then: give expires_us, at most ${key.expiresUs}.`,
    )
  }
}

const beyond = (param: string, message: string): GatewayError =>
  new GatewayError('client_key_forbidden', message, { param })

/** Refuses another name for a model for which the caller's own key is not good: under that name it might be. */
export function checkAlias({ key }: Caller, provider: string, model: string): void {
  if (key?.models === undefined || key.models.some((mine) => covers(mine, `${provider}/${model}`))) return
  throw beyond(
    'model',
    `Your client key is good for the models ${key.models.join(', ')} only, and ${JSON.stringify(`${provider}/${model}`)} is none of them.`,
  )
}

function uncoveredBy({ models: own }: ClientKey, { models: wanted }: WantedKey): string | undefined {
  if (own === undefined) return undefined
  if (wanted === undefined) return 'all models'
  return wanted.find((pattern) => !own.some((mine) => covers(mine, pattern)))
}

/**
 * Whether every name that `narrow` means is one that `wide` means. A star of `narrow` is taken as a letter that nothing
 * but a star can mean: if `wide` means the pattern read so, it does whatever stands in its place, and else not.
 */
export function covers(wide: string, narrow: string): boolean {
  const [letters, pattern] = [[...narrow], [...wide]]
  let [at, place, star, resume] = [0, 0, -1, 0]
  while (at < letters.length) {
    if (pattern[place] === '*') {
      star = place++
      resume = at
    } else if (letters[at] !== '*' && pattern[place] === letters[at]) {
      at++
      place++
    } else if (star >= 0) {
      place = star + 1
      at = ++resume
    } else return false
  }
  while (pattern[place] === '*') place++
  return place === pattern.length
}

/** What has to be known of the keys that there are. */
interface Keys {
  /** Those that have not been revoked. */
  readonly keys: readonly ClientKey[]
  readonly nowUs: number
}

/** One with which everything can be managed. */
const isMaster = ({ kind, projectId, expiresUs }: Omit<ClientKey, 'id' | 'hash'>, nowUs: number): boolean =>
  kind === 'admin' && projectId === undefined && (expiresUs === undefined || expiresUs > nowUs)

/** From the first key on everybody needs one: who made it would have locked themselves out with a lesser one. */
export function checkFirst(wanted: WantedKey, { keys, nowUs }: Keys): void {
  if (isMaster(wanted, nowUs) || keys.some((key) => isMaster(key, nowUs))) return
  throw new GatewayError(
    'conflict',
    'From the first client key on everything needs one, and with this one you could not manage anything any more. ' +
      'Make one of kind admin first that is not bound to a project.',
    { param: 'kind' },
  )
}

interface Revoking extends Keys {
  readonly id: string
  readonly caller: Caller
  readonly isForced: boolean
  /** Others than this machine reach the server. */
  readonly isReachable: boolean
}

/** Refuses what would lock everybody out, or let everybody in by the hand of somebody who may not manage everything. */
export function checkRevoking({ id, caller, isForced, isReachable, keys, nowUs }: Revoking): void {
  const key = keys.find((candidate) => candidate.id === id)
  if (!key) return
  const others = keys.filter((candidate) => candidate !== key)
  if (others.length === 0 && isReachable) {
    throw new GatewayError(
      'conflict',
      'This is the last client key, and the server listens to others than this machine, so that everything needs one. Make another first, or let server.host be 127.0.0.1.',
    )
  }
  if (others.length === 0 && !isAllowed(caller, 'operator')) {
    throw new GatewayError(
      'client_key_forbidden',
      'This is the last client key, and without any nobody on this machine needs one. `trunkline keys revoke` on this machine revokes it.',
    )
  }
  const isLastMaster = isMaster(key, nowUs) && !others.some((other) => isMaster(other, nowUs))
  if (others.length > 0 && isLastMaster && !isForced) {
    throw new GatewayError(
      'conflict',
      'This is the last client key of kind admin that is not bound to a project: without it only `trunkline keys` on this machine can manage all. Make another first, or revoke it with ?force=true.',
    )
  }
}

/** A pattern for names of models. */
export function checkPatterns(patterns: readonly string[]): readonly string[] {
  if (new Set(patterns).size === patterns.length) return patterns
  throw wrongField('models', 'must have each pattern once')
}
