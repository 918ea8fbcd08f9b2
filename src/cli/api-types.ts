/** What the API answers, as far as commands show it. */
export interface ProjectAnswer {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly is_default: boolean
  readonly is_archived: boolean
  readonly created_us: number
}

export interface KeyAnswer {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly project_id?: string
  readonly models?: readonly string[]
  readonly expires_us?: number
  readonly created_us: number
  readonly revoked_us?: number
  readonly last_four: string
}

/** The only answer that has the key itself. */
export interface NewKeyAnswer extends KeyAnswer {
  readonly key: string
}

export interface CredentialAnswer {
  readonly id: string
  readonly provider: string
  readonly name?: string
  readonly kind: string
  /** Secrets are cut to their end. */
  readonly fields: Readonly<Record<string, string>>
  readonly fingerprint?: string
  readonly priority: number
  readonly weight: number
  readonly base_url?: string
  /** Its address was changed, and with it the secret was dropped. */
  readonly needs_secret?: boolean
  readonly created_us: number
}

export interface ProbeAnswer {
  readonly ok: boolean
  readonly status?: number
  readonly latency_ms: number
  readonly models?: readonly string[]
  readonly error?: { readonly code: string; readonly message: string }
}

/** What of a provider a credential has to know. */
export interface ProviderAnswer {
  readonly name: string
  readonly credential_kinds: readonly KindAnswer[]
}

export interface KindAnswer {
  readonly kind: string
  readonly label: string
  readonly fields: readonly FieldAnswer[]
}

export interface FieldAnswer {
  readonly name: string
  readonly help: string
  readonly secret: boolean
  readonly optional: boolean
  readonly json: boolean
}
