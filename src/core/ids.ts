/** Trace ids are 32 hex digits and span ids 16, everywhere; people may also write a trace id with dashes. */
export type TraceId = string
export type SpanId = string
export type ProjectId = string

export const defaultProject: ProjectId = 'default'

export const toTraceId = (written: string): TraceId => written.replaceAll('-', '').toLowerCase()

/** W3C `traceparent`: version, trace id, parent span id, flags. What does not follow it is as if absent (W3C 4.3). */
export function parseTraceparent(header: string): { traceId: TraceId; parentId: SpanId } | undefined {
  const match = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/.exec(header)
  return match ? { traceId: match[1] as string, parentId: match[2] as string } : undefined
}
