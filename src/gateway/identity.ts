import { GatewayError } from '../core/error.ts'
import { dashed, parseTraceparent, type SpanId, type TraceId } from '../core/ids.ts'
import type { CallIds } from '../core/span.ts'
import type { Exchange } from '../http/exchange.ts'
import { chosenProject } from './project.ts'
import type { ProjectState, Projects } from './state.ts'

export interface Identity {
  readonly ids: CallIds
  readonly parentId: SpanId | undefined
  readonly threadTitle: string | undefined
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly clientIp: string | undefined
  readonly userAgent: string | undefined
  /** What is wrong with the headers, or with who sends them. The call is recorded all the same, and then refused. */
  readonly problem: GatewayError | undefined
  readonly project: ProjectState
}

export interface IdentityDeps {
  readonly newTraceId: () => TraceId
  readonly projects: Projects
}

type Head = Pick<Exchange, 'headers' | 'remoteAddress' | 'caller'>

const longestId = 256
const longestText = 1024

/**
 * Who asks, and what the call belongs to: each by its header, else by `baggage`, else made where a call cannot be
 * without it. Ids from outside mean nothing to us: they are only checked for length and control characters.
 */
export function identify({ headers, remoteAddress, caller }: Head, deps: IdentityDeps): Identity {
  const baggage = parseBaggage(headers.baggage)
  const problems: GatewayError[] = []
  const read = (header: string, longest: number, baggageKey?: string): string | undefined => {
    const written = single(headers[header])
    // Baggage is decoded already: it has any characters, where a header has bytes.
    const text = written ? utf8(written) : baggageKey === undefined ? undefined : baggage.get(baggageKey)
    if (text === undefined || text === '') return undefined
    const problem =
      text.length > longest
        ? `is longer than ${longest} characters`
        : hasControls.test(text)
          ? 'has a control character'
          : undefined
    if (problem === undefined) return text
    problems.push(
      written
        ? invalid(header, `The header ${header} ${problem}.`)
        : invalid('baggage', `In the header baggage, ${baggageKey} ${problem}.`),
    )
    return undefined
  }

  const remote = parseTraceparent(single(headers.traceparent) ?? '')
  const { state: project, problem } = chosenProject(
    read('x-project-id', longestId, 'project_id'),
    caller,
    deps.projects,
  )
  const threadId = read('x-thread-id', longestId, 'thread_id')
  const threadTitle = read('x-thread-title', longestText, 'thread_title')
  const label = read('x-label', longestId, 'label')
  const tags = tagsOf(read('x-tags', longestText))
  const traceId = remote?.traceId ?? deps.newTraceId()
  // Calls of one trace that name no run are one run: it has the trace's own id.
  const runId = read('x-run-id', longestId, 'run_id') ?? dashed(traceId)
  const clientIp = read('x-client-ip', longestId) ?? first(read('x-forwarded-for', longestText)) ?? remoteAddress
  const userAgent = headers['user-agent']?.slice(0, longestText)
  if (problem) problems.push(problem)
  return {
    ids: {
      traceId,
      projectId: project.project.id,
      runId,
      threadId,
      label,
    },
    parentId: remote?.parentId,
    threadTitle,
    tags,
    clientIp,
    userAgent,
    problem: problems[0],
    project,
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const hasControls = /[\u0000-\u001f\u007f-\u009f]/

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)

const first = (list: string | undefined): string | undefined => list?.split(',', 1)[0]?.trim() || undefined

/** Headers come as Latin-1; clients write UTF-8. */
function utf8(written: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
  if (/^[\u0000-\u007f]*$/.test(written)) return written
  const text = Buffer.from(written, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? written : text
}

/** `k=v&k2=v2`; a bare key has the value `-`. */
function tagsOf(written: string | undefined): Record<string, string> | undefined {
  if (written === undefined) return undefined
  // A map first: a tag may be named like anything, `__proto__` too.
  const tags = new Map<string, string>()
  for (const pair of written.split('&')) {
    const mark = pair.indexOf('=')
    const key = (mark < 0 ? pair : pair.slice(0, mark)).trim()
    if (key !== '') tags.set(key, mark < 0 ? '-' : pair.slice(mark + 1).trim())
  }
  return tags.size === 0 ? undefined : Object.fromEntries(tags)
}

const baggagePrefix = /^(?:trunkline|vllora)\./

/** The W3C's `baggage`: what a program's tracing hands down, under our name or our predecessor's. */
function parseBaggage(header: string | string[] | undefined): ReadonlyMap<string, string> {
  const entries = new Map<string, string>()
  if (header === undefined) return entries
  for (const entry of String(header).split(',')) {
    const pair = entry.split(';', 1)[0] as string
    const mark = pair.indexOf('=')
    const key = pair.slice(0, mark).trim()
    if (mark < 0 || !baggagePrefix.test(key)) continue
    try {
      entries.set(key.replace(baggagePrefix, ''), decodeURIComponent(pair.slice(mark + 1).trim()))
    } catch {
      // An entry that is not percent-encoded as it should be is nobody's error here: it is passed over.
    }
  }
  return entries
}

const invalid = (param: string, message: string): GatewayError => new GatewayError('bad_request', message, { param })
