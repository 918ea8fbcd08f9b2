import type { Timeouts } from '../core/config.ts'

/** The clocks by their names on the wire. */
const inside = {
  connect_ms: 'connectMs',
  headers_ms: 'headersMs',
  first_content_ms: 'firstContentMs',
  idle_ms: 'idleMs',
  total_ms: 'totalMs',
} satisfies Record<string, keyof Timeouts>

type WireName = keyof typeof inside

export const timeoutNames = Object.keys(inside) as readonly WireName[]

type Written = Readonly<{ [N in WireName]?: number | null | undefined }>

/** What is there with what a change names; undefined when nothing is left. */
export function timeoutsWith(there: Partial<Timeouts> = {}, change: Written): Partial<Timeouts> | undefined {
  const timeouts: Partial<Record<keyof Timeouts, number>> = { ...there }
  for (const name of timeoutNames) {
    const value = change[name]
    if (value === null) delete timeouts[inside[name]]
    else if (value !== undefined) timeouts[inside[name]] = value
  }
  return Object.keys(timeouts).length === 0 ? undefined : timeouts
}

export function timeoutsBody(timeouts: Partial<Timeouts>): { [N in WireName]?: number } {
  const body: { [N in WireName]?: number } = {}
  for (const name of timeoutNames) {
    const value = timeouts[inside[name]]
    if (value !== undefined) body[name] = value
  }
  return body
}
