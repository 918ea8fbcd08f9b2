import type { Generated } from 'kysely'

/** The tables as Kysely sees them. Ids are bytes (16 for a trace, 8 for a span), times µs since the epoch. */
export interface ConfigDb {
  projects: ProjectsTable
  providers: ProvidersTable
  models: ModelsTable
  provider_credentials: ProviderCredentialsTable
  api_keys: ApiKeysTable
  settings: SettingsTable
  installation: InstallationTable
}

export interface ProjectsTable {
  id: string
  slug: string
  name: string
  description: string | null
  is_default: number
  /** JSON: `ProjectSettings`. */
  settings: string
  archived_us: number | null
  created_us: number
  updated_us: number
  /** Rises with every change, as in the other tables that have one. */
  version: number
}

/** Providers that are another instance of one that we know. */
export interface ProvidersTable {
  project_id: string
  name: string
  /** JSON: `ProviderConfig`, without anything secret. */
  config: string
  created_us: number
  updated_us: number
  version: number
}

/** Models under names of one's own. */
export interface ModelsTable {
  project_id: string
  name: string
  provider: string
  model: string
  created_us: number
  updated_us: number
  version: number
}

export interface ProviderCredentialsTable {
  id: string
  project_id: string
  provider: string
  name: string | null
  kind: string
  priority: number
  weight: number
  base_url: string | null
  /** JSON: the settings of which the address is made. */
  address: string | null
  may_be_private: number
  /** JSON: the fields as they are shown. */
  fields: string
  /** JSON: the names of the headers that are sent with it. */
  header_names: string
  fingerprint: string
  /** The credential and its headers, encrypted; null when there is nothing to hide. */
  sealed: string | null
  /** 1 when the credential has been dropped and must be given anew. */
  needs_secret: number
  created_us: number
  updated_us: number
  version: number
}

/** Client keys. What a key is, only its owner knows. */
export interface ApiKeysTable {
  id: string
  /** SHA-256 of the whole key, in hex. */
  hash: string
  last_four: string
  name: string
  kind: string
  /** Null when it is good for all. */
  project_id: string | null
  /** JSON: a list of patterns; null when it is good for all. */
  models: string | null
  expires_us: number | null
  revoked_us: number | null
  /** The id of the key with which it was made. */
  created_by: string | null
  created_us: number
}

/** What users have set in place of the configuration's defaults. */
export interface SettingsTable {
  key: string
  /** JSON. */
  value: string
}

/** What this installation keeps about itself: a name and a value each. */
export interface InstallationTable {
  name: string
  value: string
}

export interface LedgerDb {
  ledger: LedgerTable
}

/** One row an attempt, kept when traces are long gone. A bucket that nobody reported is null. */
export interface LedgerTable {
  id: Generated<number>
  project_id: string
  trace_id: Uint8Array
  span_id: Uint8Array
  run_id: string
  thread_id: string | null
  label: string | null
  provider: string
  model: string
  model_answered: string | null
  status: string
  http_status: number | null
  error_code: string | null
  started_us: number
  duration_us: number
  first_content_us: number | null
  input_uncached: number | null
  cache_read: number | null
  cache_write_5m: number | null
  cache_write_1h: number | null
  input_audio: number | null
  input_image: number | null
  output_text: number | null
  reasoning: number | null
  output_audio: number | null
  output_image: number | null
  /** Why nobody reported them: they are null then, or what we make of the texts. */
  usage_missing: string | null
}

export interface TracesDb {
  traces: TracesTable
  spans: SpansTable
  blocks: BlocksTable
  responses: ResponsesTable
}

/** What a list shows of a trace, summed up as its calls begin and end. */
export interface TracesTable {
  project_id: string
  trace_id: Uint8Array
  /** Null when nobody named the run: it is the trace itself. */
  run_id: string | null
  thread_id: string | null
  label: string | null
  model: string | null
  provider: string | null
  status: string
  http_status: number | null
  started_us: number
  /** Of the call that ended last; of one whose end nobody knows, its start. */
  ended_us: number
  first_content_us: number | null
  calls: number
  errors: number
  input_tokens: number | null
  output_tokens: number | null
}

export interface SpansTable {
  project_id: string
  trace_id: Uint8Array
  span_id: Uint8Array
  parent_id: Uint8Array | null
  kind: string
  name: string
  status: string
  started_us: number
  ended_us: number | null
  model: string | null
  /** JSON: everything that no query asks for. */
  detail: string
  /** JSON: where the bodies are. */
  bodies: string | null
}

/** Bodies of one project, compressed as one. */
export interface BlocksTable {
  id: number
  project_id: string
  size: number
  data: Uint8Array
}

/** Where some bytes are: in a block, from an offset on. */
export interface BodyPart {
  readonly block: number
  readonly offset: number
  readonly length: number
}

/** Where a body is, and what is missing of it. */
export interface BodyAddress extends BodyPart {
  /** What follows, when the body was stored while it was still arriving. */
  readonly rest?: readonly BodyPart[]
  /** The whole's length and SHA-256, when less than the whole was kept. */
  readonly whole?: { readonly length: number; readonly sha256: string }
}

/** Answers that we keep for whoever goes on by their id, until they are old or many. */
export interface ResponsesTable {
  project_id: string
  id: string
  created_us: number
  /** Of `data`, in bytes. */
  size: number
  /** JSON, compressed. */
  data: Uint8Array
}
