import type { ProjectId } from './ids.ts'

/**
 * What a door or a route asks of its caller, from nothing to most: nothing at all, leave to make calls, leave to manage a
 * project, leave to manage everything.
 */
export type Scope = 'public' | 'inference' | 'admin' | 'operator'

/** What a client key is good for: calls, or calls and management. */
export const keyKinds = ['inference', 'admin'] as const
export type KeyKind = (typeof keyKinds)[number]

/** The headers in which the SDKs send what their users call an API key: to vendors the vendor's, to us ours. */
export const credentialHeaders: readonly string[] = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']

/** A client key as those know it who check it. The key itself is known to nobody but its owner. */
export interface ClientKey {
  /** Stands in the key itself, so that it can be found without being compared. */
  readonly id: string
  /** SHA-256 of the whole key, in hex. */
  readonly hash: string
  readonly kind: KeyKind
  /** The one project for which it is good; all when absent. */
  readonly projectId?: ProjectId
  /** Names of models, where `*` stands for anything; all when absent. */
  readonly models?: readonly string[]
  /** From when on it is refused, in µs since the epoch. */
  readonly expiresUs?: number
}

/**
 * Who makes a request. Without a key: anybody on this machine while no key exists, or its user by the private door. A
 * key of kind admin that is good for all projects may do what such a caller may.
 */
export interface Caller {
  readonly key?: ClientKey
}

export const anybody: Caller = {}

/** Whether the caller may pass where the scope is asked. `public` and, for calls, every key are let through. */
export function isAllowed({ key }: Caller, scope: Scope): boolean {
  if (key === undefined || scope === 'public' || scope === 'inference') return true
  if (key.kind !== 'admin') return false
  return scope === 'admin' || key.projectId === undefined
}
