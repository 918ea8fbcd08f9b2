import type { ProviderConfig } from './config.ts'

/** What a call is paid with: a kind of `providers/credential-kinds.ts`, and its fields by the names that they have there. */
export interface Credential {
  readonly kind: string
  readonly fields: Readonly<Record<string, string>>
}

/** A credential of a project, as those need it who make calls: opened, and never to be stored or shown like this. */
export interface ProjectCredential {
  readonly id: string
  readonly provider: string
  /** The lowest goes first; the next are asked when it is refused. */
  readonly priority: number
  /** Its share among those of the same priority. */
  readonly weight: number
  readonly credential: Credential
  /** Where it is good, and what is sent with it, where that differs from the provider's own. */
  readonly at: Pick<ProviderConfig, 'baseUrl' | 'headers' | 'address' | 'mayBePrivate'>
}

/** What a credential of a cloud is changed into for a while. */
export type Token =
  | { readonly kind: 'bearer'; readonly token: string; readonly expiresMs: number }
  | {
      readonly kind: 'aws'
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken?: string
      /** Absent when it does not end. */
      readonly expiresMs?: number
    }
  /** It could not be had. The reason is for whoever reads the error, and has no secret in it. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Tokens by the id of their credential. One from the configuration has the id of `configuredId`. */
export type Tokens = Readonly<Record<string, Token>>

/** A credential of the configuration has no row, and so no id of its own. */
export const configuredId = (provider: string): string => `config:${provider}`
