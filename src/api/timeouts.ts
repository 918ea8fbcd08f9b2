import { type TimeoutName, type Timeouts, timeoutNames } from '../core/config.ts'

const names = Object.keys(timeoutNames) as readonly TimeoutName[]

type Written = Readonly<{ [N in TimeoutName]?: number | null | undefined }>

/** What is there with what a change names; undefined when nothing is left. */
export function timeoutsWith(there: Partial<Timeouts> = {}, change: Written): Partial<Timeouts> | undefined {
  const timeouts: Partial<Record<keyof Timeouts, number>> = { ...there }
  for (const name of names) {
    const value = change[name]
    if (value === null) delete timeouts[timeoutNames[name]]
    else if (value !== undefined) timeouts[timeoutNames[name]] = value
  }
  return Object.keys(timeouts).length === 0 ? undefined : timeouts
}

export function timeoutsBody(timeouts: Partial<Timeouts>): { [N in TimeoutName]?: number } {
  const body: { [N in TimeoutName]?: number } = {}
  for (const name of names) {
    const value = timeouts[timeoutNames[name]]
    if (value !== undefined) body[name] = value
  }
  return body
}
