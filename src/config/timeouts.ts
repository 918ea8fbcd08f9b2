import { type TimeoutName, type Timeouts, timeoutNames } from '../core/config.ts'
import type { Setting } from './setting.ts'
import { integer } from './values.ts'

export const dayMs = 86_400_000

const helps: Readonly<Record<TimeoutName, string>> = {
  connect_ms: 'how long it may take until there is a connection to the provider',
  headers_ms: 'how long the provider may take from then until its answer begins',
  first_content_ms: 'how long it may take from then until there is any content',
  idle_ms: 'how long the provider may be silent within its answer',
  total_ms: 'how long an attempt may take in all',
}

/** One setting for each clock of an attempt. What is said of a provider stands before what is said of all. */
export function timeoutSettings<P extends string>(
  prefix: P,
  more: Pick<Setting<unknown>, 'editable'> & { readonly fallbacks?: Partial<Timeouts> } = {},
): { readonly [K in `${P}.${TimeoutName}`]: Setting<number | undefined> } {
  const { fallbacks, ...rest } = more
  const rows = (Object.keys(helps) as TimeoutName[]).map((key) => [
    `${prefix}.${key}`,
    {
      help: helps[key],
      kind: integer(1, dayMs),
      fallback: () => fallbacks?.[timeoutNames[key]],
      ...rest,
    } satisfies Setting<number | undefined>,
  ])
  return Object.fromEntries(rows)
}
