import type { Timeouts } from '../core/config.ts'
import type { Setting } from './setting.ts'
import { integer } from './values.ts'

export const dayMs = 86_400_000

/** The keys of the five clocks. */
export const timeoutKeys = {
  connect_ms: { clock: 'connectMs', help: 'how long it may take until there is a connection to the provider' },
  headers_ms: { clock: 'headersMs', help: 'how long the provider may take from then until its answer begins' },
  first_content_ms: { clock: 'firstContentMs', help: 'how long it may take from then until there is any content' },
  idle_ms: { clock: 'idleMs', help: 'how long the provider may be silent within its answer' },
  total_ms: { clock: 'totalMs', help: 'how long an attempt may take in all' },
} as const satisfies Record<string, { readonly clock: keyof Timeouts; readonly help: string }>

export type TimeoutKey = keyof typeof timeoutKeys

/** One setting for each clock of an attempt. What is said of a provider stands before what is said of all. */
export function timeoutSettings<P extends string>(
  prefix: P,
  more: Pick<Setting<unknown>, 'editable'> & { readonly fallbacks?: Partial<Timeouts> } = {},
): { readonly [K in `${P}.${TimeoutKey}`]: Setting<number | undefined> } {
  const { fallbacks, ...rest } = more
  const rows = Object.entries(timeoutKeys).map(([key, { clock, help }]) => [
    `${prefix}.${key}`,
    { help, kind: integer(1, dayMs), fallback: () => fallbacks?.[clock], ...rest } satisfies Setting<
      number | undefined
    >,
  ])
  return Object.fromEntries(rows)
}
