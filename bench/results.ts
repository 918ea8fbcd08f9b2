/** Everything that one run found out; what was not measured is empty. */
import { type Cost, ratio } from './cost.ts'
import type { Footprint } from './footprint.ts'
import { added, type Latency } from './latency.ts'
import type { Machine } from './run.ts'
import { type Startup, typical } from './startup.ts'
import { atMost, type Verdict } from './table.ts'

export interface Results {
  readonly at: string
  readonly machine: Machine
  readonly options: Readonly<Record<string, unknown>>
  readonly floor: string
  readonly against?: string
  readonly subject: string
  readonly costs: readonly Cost[]
  readonly latencies: readonly Latency[]
  readonly footprints: readonly Footprint[]
  readonly startups: readonly Startup[]
  readonly records: { readonly made: number; readonly found: number }
  readonly faults: readonly string[]
}

interface Budget {
  readonly label: string
  readonly unit: string
  readonly limit: number
  /** NaN where it was not measured. */
  readonly of: (results: Results) => number
}

/** The design's, section 2: with auth and full tracing, without limits, routing and search. */
const budgets: readonly Budget[] = [
  { label: 'CPU of a call', unit: '× floor', limit: 2, of: (r) => ratio(r.costs, 'whole', r.subject, r.floor) },
  { label: 'CPU of a stream', unit: '× floor', limit: 1.5, of: (r) => ratio(r.costs, 'stream', r.subject, r.floor) },
  {
    label: 'added latency p50',
    unit: 'ms',
    limit: 0.5,
    of: (r) => added(r.latencies, r.subject, 'whole', 'whole', 'p50Ms'),
  },
  {
    label: 'added latency p99',
    unit: 'ms',
    limit: 3,
    of: (r) => added(r.latencies, r.subject, 'whole', 'whole', 'p99Ms'),
  },
  {
    label: 'added time to first token p50',
    unit: 'ms',
    limit: 0.5,
    of: (r) => added(r.latencies, r.subject, 'stream', 'firstToken', 'p50Ms'),
  },
  { label: 'memory, at its peak', unit: 'MB', limit: 250, of: (r) => peak(r.footprints, r.subject) },
  { label: 'first proxied byte', unit: 'ms', limit: 600, of: (r) => typical(r.startups, r.subject) },
]

export const verdicts = (results: Results): Verdict[] =>
  budgets
    .map(({ of, label, unit, limit }) => atMost(label, of(results), limit, unit))
    .filter(({ value }) => !Number.isNaN(value))

/** What a change may cost the hot path before it has to say why. */
const allowance = { whole: 1.05, stream: 1.1 }

export interface Comparison {
  readonly mode: string
  readonly ratio: number
  readonly limit: number
  readonly met: boolean
}

/** The judged build in multiples of the build that it is compared with. */
export const comparisons = ({ costs, subject, against }: Results): Comparison[] =>
  against === undefined
    ? []
    : Object.entries(allowance)
        .map(([mode, limit]) => ({ mode, limit, ratio: ratio(costs, mode, subject, against) }))
        .filter(({ ratio }) => !Number.isNaN(ratio))
        .map((comparison) => ({ ...comparison, met: comparison.ratio <= comparison.limit }))

function peak(footprints: readonly Footprint[], name: string): number {
  const own = footprints.filter((footprint) => footprint.name === name)
  return own.length === 0 ? Number.NaN : Math.max(...own.map(({ peakMb }) => peakMb))
}
