/** What stands in the key file of a Google service account, as far as it is used. */
export interface ServiceAccount {
  readonly type?: unknown
  readonly project_id?: unknown
  readonly client_email?: unknown
  readonly private_key?: unknown
  readonly private_key_id?: unknown
  readonly token_uri?: unknown
  readonly universe_domain?: unknown
}

/** Undefined for what is no JSON object. What its fields hold is not checked. */
export function readServiceAccount(keyFile: string | undefined): ServiceAccount | undefined {
  try {
    const value: unknown = JSON.parse(keyFile ?? '')
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
