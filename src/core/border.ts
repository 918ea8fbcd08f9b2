/**
 * What passes between threads: four kinds of message and nothing else. Snapshots say what is, commands what to do,
 * asks want an answer before a deadline, and records are bytes on a port of their own.
 */
import type { ClientKey } from './access.ts'
import type { Config } from './config.ts'
import type { Tokens } from './credential.ts'
import type { Project } from './project.ts'

/** The parts of the state that control hands to the others, each replaced as a whole when it changes. */
export interface SnapshotParts {
  readonly config: Config
  /** All of them with what belongs to them, the default one first; the archived too. */
  readonly projects: readonly Project[]
  /** The client keys that have not been revoked. While there is none, nobody needs one. */
  readonly keys: readonly ClientKey[]
  readonly tokens: Tokens
  /** How a part is, told to its supervisor. */
  readonly condition: Condition
}

export interface Condition {
  readonly phase: 'ready' | 'failed' | 'stopped'
  /** What an operator should know, in a sentence each; empty when all is well. */
  readonly problems: readonly string[]
}

/** The threads behind the gateway. */
export type PartName = 'control' | 'writer' | 'reader'
export type ThreadName = 'gateway' | PartName

export type Snapshot = {
  [P in keyof SnapshotParts]: {
    readonly kind: 'snapshot'
    readonly part: P
    readonly version: number
    readonly value: SnapshotParts[P]
  }
}[keyof SnapshotParts]

/** What a thread is asked: a name and what belongs to it. Who answers has a table of handlers by name. */
export interface Ask {
  readonly kind: 'ask'
  readonly id: number
  readonly question: string
  readonly detail: unknown
}

export type Reply =
  | { readonly kind: 'reply'; readonly id: number; readonly answer: unknown }
  | {
      readonly kind: 'reply'
      readonly id: number
      readonly failure: { readonly code: string; readonly message: string }
    }

export type Command =
  /** Finish what has begun, write what is left, then end. */
  | { readonly kind: 'command'; readonly command: 'stop' }
  /** Here is a channel to another part, which is new or has come back. */
  | { readonly kind: 'command'; readonly command: 'connect'; readonly to: ThreadName; readonly port: Port }

/** One slab of records; `barrier` names the flush that somebody waits for and stands behind the slab's records. */
export interface Records {
  readonly kind: 'records'
  readonly slab: ArrayBuffer
  readonly used: number
  readonly barrier?: number
}

export type Message = Snapshot | Ask | Reply | Command | Records

/** One end of a channel, as `node:worker_threads` has it; a test may bring its own. */
export interface Port {
  postMessage(message: Message, transfer?: readonly (ArrayBuffer | Port)[]): void
  on(event: 'message', listener: (message: Message) => void): unknown
  close(): void
}
