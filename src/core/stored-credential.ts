import type { ProjectId } from './ids.ts'

/** A credential of a project as it is stored: what may be known of it, and the rest encrypted. */
export interface StoredCredential {
  readonly id: string
  readonly projectId: ProjectId
  readonly provider: string
  readonly name?: string
  readonly kind: string
  readonly priority: number
  readonly weight: number
  readonly baseUrl?: string
  readonly address?: Readonly<Record<string, string>>
  readonly mayBePrivate: boolean
  /** The fields as they are shown. */
  readonly fields: Readonly<Record<string, string>>
  readonly headerNames: readonly string[]
  readonly fingerprint: string
  /** The credential and its headers, encrypted; absent when there is nothing to hide. */
  readonly sealed?: string
  /** It has been dropped, because what it was given for has changed, and must be given anew. */
  readonly needsSecret: boolean
  readonly createdUs: number
  readonly updatedUs: number
  readonly version: number
}
