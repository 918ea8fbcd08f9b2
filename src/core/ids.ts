/** Trace ids are 32 hex digits and span ids 16, everywhere; people may also write a trace id with dashes. */
export type TraceId = string
export type SpanId = string
export type ProjectId = string

export const defaultProject: ProjectId = 'default'

export const toTraceId = (written: string): TraceId => written.replaceAll('-', '').toLowerCase()

/** A UUID of version 7 (RFC 9562) without dashes: the time in ms, then what was random in ten bytes of hex. */
export function uuidv7(nowMs: number, random: string): TraceId {
  const time = nowMs.toString(16).padStart(12, '0')
  const variant = '89ab'[Number.parseInt(random[3] as string, 16) % 4] as string
  return `${time}7${random.slice(0, 3)}${variant}${random.slice(4, 19)}`
}

/** The same id as people write UUIDs. */
export const dashed = (id: TraceId): string =>
  `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`

/** W3C `traceparent`: version, trace id, parent span id, flags. What does not follow it is as if absent (W3C 4.3). */
export function parseTraceparent(header: string): { traceId: TraceId; parentId: SpanId } | undefined {
  const match = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/.exec(header)
  return match ? { traceId: match[1] as string, parentId: match[2] as string } : undefined
}
