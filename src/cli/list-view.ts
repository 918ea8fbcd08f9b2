import type { SpanStatus } from '../core/span.ts'
import type { TraceSummary } from '../store/traces.ts'
import type { Screen, Style } from './screen.ts'
import { type Column, cutTo, drawTable, tableWidth } from './table.ts'
import { plainLine } from './text.ts'
import { count, dateOf, duration, timeOf } from './units.ts'

export const statusStyles = {
  ok: 'green',
  error: 'red',
  cancelled: 'yellow',
  running: 'cyan',
  interrupted: 'yellow',
} as const satisfies Record<SpanStatus, Style>

/** An error inside an answer that had begun well has the status of its beginning, which says nothing. */
export const statusText = ({ status, httpStatus = 0 }: Pick<TraceSummary, 'status' | 'httpStatus'>): string =>
  status === 'error' && httpStatus >= 400 ? `error ${httpStatus}` : status

/** How long it took, or how long it has been running by now. Nobody knows that of one that was interrupted. */
export function totalText(
  { status, startedUs, durationUs }: Pick<TraceSummary, 'status' | 'startedUs' | 'durationUs'>,
  nowUs: number,
): string {
  if (durationUs !== undefined) return duration(durationUs)
  return status === 'running' ? `${duration(Math.max(0, nowUs - startedUs))}…` : '-'
}

export interface ListOptions {
  readonly nowUs: number
  /** Whether run and thread are what the reader is after. */
  readonly groups: boolean
}

/** Traces as a table, with as much of each as there is room for. */
export function tracesTable(traces: readonly TraceSummary[], screen: Screen, options: ListOptions): string[] {
  const layouts = layoutsFor(traces, screen.columns, options)
  const room = screen.columns ?? Number.POSITIVE_INFINITY
  const fitting = layouts.find((columns) => tableWidth(columns, traces) <= room)
  return drawTable(fitting ?? (layouts.at(-1) as Column<TraceSummary>[]), traces, screen)
}

/** The tables that could be drawn, the richest first. */
function layoutsFor(
  traces: readonly TraceSummary[],
  room: number | undefined,
  { nowUs, groups }: ListOptions,
): Column<TraceSummary>[][] {
  type Columns = Column<TraceSummary>[]
  const digits = distinctDigits(traces.map(({ traceId }) => traceId))
  const id: Columns = [{ title: 'TRACE', cell: ({ traceId }) => traceId }]
  const shortId: Columns = [{ title: 'TRACE', cell: ({ traceId }) => traceId.slice(0, digits) }]
  const started: Columns = [
    { title: 'STARTED', cell: ({ startedUs }) => startedText(startedUs, nowUs), style: () => 'dim' },
  ]
  const model: Columns = [{ title: 'MODEL', cell: ({ model }) => nameOf(model), least: 12 }]
  const provider: Columns = [{ title: 'PROVIDER', cell: ({ provider }) => nameOf(provider), least: 8 }]
  const measures: Columns = [
    { title: 'STATUS', cell: statusText, style: ({ status }) => statusStyles[status] },
    { title: 'TOTAL', cell: (trace) => totalText(trace, nowUs), numeric: true },
    { title: 'TTFT', cell: ({ firstContentUs }) => orDash(firstContentUs, duration), numeric: true },
    { title: 'IN', cell: ({ inputTokens }) => orDash(inputTokens, count), numeric: true },
    { title: 'OUT', cell: ({ outputTokens }) => orDash(outputTokens, count), numeric: true },
  ]
  const calls: Columns = [{ title: 'CALLS', cell: ({ calls }) => count(calls), numeric: true }]
  const run: Columns = [{ title: 'RUN', cell: ({ runId }) => nameOf(runId), least: 8 }]
  const thread: Columns = [{ title: 'THREAD', cell: ({ threadId }) => nameOf(threadId), least: 8 }]

  const middle = [
    ...started,
    ...model,
    ...provider,
    ...measures,
    ...(traces.some((trace) => trace.calls > 1) ? calls : []),
  ]
  const group = [...run, ...(traces.some(({ threadId }) => threadId !== undefined) ? thread : [])]
  const all = [...id, ...middle, ...group]
  const narrow = [...shortId, ...middle]
  if (groups) return [all, cutTo(room, [...narrow, ...group], traces)]
  // In a pipe everything has room, and what a script reads should not depend on it.
  return [
    ...(room === undefined ? [] : [all]),
    [...id, ...middle],
    cutTo(room, narrow, traces),
    cutTo(
      room,
      narrow.filter((column) => column !== provider[0]),
      traces,
    ),
  ]
}

const nameOf = (name: string | undefined): string => (name === undefined ? '-' : plainLine(name))
const orDash = (value: number | undefined, say: (value: number) => string): string =>
  value === undefined ? '-' : say(value)

const startedText = (us: number, nowUs: number): string =>
  dateOf(us) === dateOf(nowUs) ? timeOf(us) : `${dateOf(us)} ${timeOf(us)}`

/** How many digits tell these ids apart. The first 13 of ours are a time and a version. */
export function distinctDigits(ids: readonly string[]): number {
  for (let digits = 13; digits < 32; digits++) {
    if (new Set(ids.map((id) => id.slice(0, digits))).size === ids.length) return digits
  }
  return 32
}
