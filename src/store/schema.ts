import type { Generated } from 'kysely'

/** The tables as Kysely sees them. Ids are bytes (16 for a trace, 8 for a span), times µs since the epoch. */
export interface ConfigDb {
  projects: ProjectsTable
}

export interface ProjectsTable {
  id: string
  name: string
  is_default: number
  created_us: number
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
