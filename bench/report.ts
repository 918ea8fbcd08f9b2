/** Results as a person reads them. */
import { ofOne, ratio, ratios } from './cost.ts'
import { added, perSecond } from './latency.ts'
import { comparisons, type Results, verdicts } from './results.ts'
import { machineLine } from './run.ts'
import { typical } from './startup.ts'
import { median } from './statistics.ts'
import { faultLines, type Row, section, verdictRows } from './table.ts'

export function report(results: Results): string {
  const { machine, faults, records } = results
  const lines = [
    machineLine(machine),
    ...section('CPU of the server process, closed loop', costRows(results)),
    ...section(`Added to the upstream's own time, at ${perSecond} calls/s`, latencyRows(results)),
    ...section('Memory, and delay of the event loop at full load (p99)', footprintRows(results)),
    ...section('From start to the first proxied byte (median)', startupRows(results)),
    ...section('Compared with the other build', comparisonRows(results)),
    ...section('Budgets', verdictRows(verdicts(results))),
  ]
  if (records.made > 0) lines.push('', `records: ${records.found} of ${records.made}`)
  return [...lines, ...faultLines(faults)].join('\n')
}

const names = ({ floor, against, subject }: Results) => [floor, ...(against === undefined ? [] : [against]), subject]

function costRows(results: Results): Row[] {
  const { costs, floor } = results
  const rows = ['whole', 'stream'].flatMap((mode) =>
    names(results).flatMap((name) => {
      const own = ofOne(costs, name, mode)
      if (own.length === 0) return []
      const each = ratios(costs, mode, name, floor).map((value) => value.toFixed(2))
      return [
        [
          mode,
          name,
          `${median(own.map(({ cpuMicros }) => cpuMicros)).toFixed(1)} µs`,
          `${median(own.map(({ perSecond }) => perSecond)).toFixed(0)} /s`,
          name === floor ? '' : `${ratio(costs, mode, name, floor).toFixed(2)} × floor  (${each.join(' ')})`,
        ],
      ]
    }),
  )
  return rows
}

function latencyRows(results: Results): Row[] {
  const { latencies } = results
  if (latencies.length === 0) return []
  const parts = [
    ['whole', 'whole', 'call'],
    ['stream', 'firstToken', 'first token'],
    ['stream', 'whole', 'whole stream'],
  ] as const
  return parts.flatMap(([mode, part, label]) =>
    names(results).map((name) => [
      label,
      name,
      `p50 ${added(latencies, name, mode, part, 'p50Ms').toFixed(2)} ms`,
      `p99 ${added(latencies, name, mode, part, 'p99Ms').toFixed(2)} ms`,
    ]),
  )
}

const footprintRows = ({ footprints }: Results): Row[] =>
  footprints.map(({ name, connections, nowMb, peakMb, loopDelay }) => [
    `${connections} connections`,
    name,
    `${nowMb.toFixed(0)} MB`,
    `peak ${peakMb.toFixed(0)} MB`,
    Object.entries(loopDelay)
      .map(([mode, { p99Ms }]) => `${mode} ${p99Ms.toFixed(1)} ms`)
      .join(', '),
  ])

const startupRows = (results: Results): Row[] =>
  results.startups.length === 0
    ? []
    : names(results).map((name) => [name, `${typical(results.startups, name).toFixed(0)} ms`])

const comparisonRows = (results: Results): Row[] =>
  comparisons(results).map(({ mode, ratio, limit, met }) => [
    mode,
    `${ratio.toFixed(3)} × ${results.against}`,
    met ? `within ${limit}` : `MORE than ${limit}: the change must say why`,
  ])
