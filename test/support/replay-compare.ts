import type { Exchange } from './recordings.ts'

/** What of a request counts when it is matched with a recording. Headers don't: they carry credentials and versions. */
export interface Asked {
  readonly method: string
  readonly host: string
  /** Decoded: `%3A` is `:`. */
  readonly path: string
  readonly query: Readonly<Record<string, string | readonly string[]>>
  readonly body: unknown
}

export interface Difference {
  /** Where: `path`, `query.alt`, `body.messages[0].content`. */
  readonly path: string
  readonly expected: string
  readonly got: string
}

/**
 * Takes one edit that the gateway is allowed to make back out of what arrived. The recording is there to be looked at:
 * an edit counts only where the recording differs, so that a gateway which drops what a client sent is still found out.
 */
export type Edit = (arrived: Asked, recorded: Asked) => Asked

const modelInPath = [
  /^(?<before>.*\/models\/)(?<model>.+)(?<after>:\w+)$/,
  /^(?<before>.*\/model\/)(?<model>.+)(?<after>\/[^/]+)$/,
  /^(?<before>.*\/deployments\/)(?<model>[^/]+)(?<after>\/.+)$/,
]

/** A route may send a call to another model: in the body, in the path, or (Gemini) in the requests within the body. */
export const modelName: Edit = (arrived, recorded) => ({
  ...arrived,
  path: withModelOf(arrived.path, recorded.path),
  body: withRecordedModel(arrived.body, recorded.body),
})

function withModelOf(path: string, recorded: string): string {
  for (const pattern of modelInPath) {
    const was = pattern.exec(recorded)?.groups
    const is = pattern.exec(path)?.groups
    if (was && is) return `${is.before}${was.model}${is.after}`
  }
  return path
}

function withRecordedModel(body: unknown, recorded: unknown): unknown {
  if (!isObject(body) || !isObject(recorded)) return body
  const edited = { ...body }
  if (typeof body.model === 'string' && typeof recorded.model === 'string') edited.model = recorded.model
  const { requests, generateContentRequest } = recorded
  if (Array.isArray(body.requests) && Array.isArray(requests)) {
    edited.requests = body.requests.map((request, at) => withRecordedModel(request, requests[at]))
  }
  if (generateContentRequest) {
    edited.generateContentRequest = withRecordedModel(body.generateContentRequest, generateContentRequest)
  }
  return edited
}

/** A stream is asked to report its usage where the client said nothing about it; what the client did say must stay. */
export const includeUsage: Edit = (arrived, recorded) => {
  const { body } = arrived
  if (!isObject(body) || body.stream !== true || !isObject(body.stream_options)) return arrived
  const was = isObject(recorded.body) ? recorded.body.stream_options : undefined
  const { include_usage: added, ...options } = body.stream_options
  if (added !== true || (isObject(was) && 'include_usage' in was)) return arrived
  if (was === undefined && Object.keys(options).length === 0) {
    const { stream_options: _, ...rest } = body
    return { ...arrived, body: rest }
  }
  return { ...arrived, body: { ...body, stream_options: options } }
}

const credentialKeys = new Set(['key', 'api_key', 'api-key', 'apikey', 'access_token', 'token'])

/** The recordings' credentials were taken out, so whatever the gateway sends there is its own. */
export const queryCredential: Edit = (arrived) => ({
  ...arrived,
  query: Object.fromEntries(Object.entries(arrived.query).filter(([name]) => !credentialKeys.has(name.toLowerCase()))),
})

/** The documented edits of a pass-through. The first matters most when several recordings could be meant. */
export const documentedEdits: readonly Edit[] = [modelName, includeUsage, queryCredential]

export function undo(edits: readonly Edit[], arrived: Asked, recorded: Asked): Asked {
  return edits.reduce((asked, edit) => edit(asked, recorded), arrived)
}

export function askedOf({ request }: Exchange): Asked {
  const { method, host, path, query, body } = request
  return { method, host, path: decoded(path), query: parsedQuery(new URLSearchParams(query)), body: body ?? undefined }
}

export function parsedQuery(query: URLSearchParams): Asked['query'] {
  return Object.fromEntries(
    [...new Set(query.keys())].map((name) => {
      const values = query.getAll(name)
      return [name, values.length === 1 ? (values[0] ?? '') : values]
    }),
  )
}

/** A path with its escapes undone; one that cannot be decoded stays as it is and then matches nothing. */
export function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

export function isEqual(expected: unknown, got: unknown): boolean {
  return differences(expected, got).next().done === true
}

/** Where two JSON values differ, in the order of `expected`. The order of keys doesn't count; that of a list does. */
export function* differences(expected: unknown, got: unknown, path = ''): Generator<Difference> {
  if (Object.is(expected, got) || (expected === 0 && got === 0)) return
  if (Array.isArray(expected) && Array.isArray(got)) {
    for (let at = 0; at < Math.max(expected.length, got.length); at++) {
      yield* differences(expected[at], got[at], `${path}[${at}]`)
    }
    return
  }
  if (isObject(expected) && isObject(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      yield* differences(
        ownOf(expected, key),
        ownOf(got, key),
        /^[\w-]+$/.test(key) ? dotted(path, key) : `${path}["${key}"]`,
      )
    }
    return
  }
  yield { path, ...shown(expected, got) }
}

function ownOf(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function dotted(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

const shownLength = 100

function shown(expected: unknown, got: unknown): Omit<Difference, 'path'> {
  if (typeof expected !== 'string' || typeof got !== 'string') return { expected: brief(expected), got: brief(got) }
  // Long texts often differ far in: begin a little before that place, or both would look the same.
  const from = commonStart(expected, got) < 60 ? 0 : commonStart(expected, got) - 20
  return { expected: brief(expected, from), got: brief(got, from) }
}

function commonStart(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  return at
}

function brief(value: unknown, from = 0): string {
  if (value === undefined) return '(absent)'
  const text = typeof value === 'string' ? JSON.stringify(value.slice(from)) : JSON.stringify(value)
  const start = from > 0 ? `(${from} characters)…` : ''
  return start + (text.length > shownLength ? `${text.slice(0, shownLength)}… (${text.length} characters)` : text)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> & Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
