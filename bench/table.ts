/** Figures as a person reads them. */

export type Row = readonly string[]

/** Nothing for no rows: what was not measured is not mentioned. */
export function section(title: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), [])
  return [
    '',
    title,
    ...rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()),
  ]
}

export interface Verdict {
  readonly label: string
  readonly value: number
  readonly unit: string
  readonly limit: number
  readonly met: boolean
}

export const atMost = (label: string, value: number, limit: number, unit = ''): Verdict => ({
  label,
  value,
  unit,
  limit,
  met: value <= limit,
})

export const verdictRows = (verdicts: readonly Verdict[]): Row[] =>
  verdicts.map(({ label, unit, value, limit, met }) => [
    label,
    `${value.toFixed(unit === '' || unit === 'MB' || limit > 100 ? 0 : 2)} ${unit}`,
    `≤ ${limit}`,
    met ? 'met' : 'MISSED',
  ])

export const faultLines = (faults: readonly string[]): string[] =>
  faults.length === 0 ? [] : ['', 'FAULTS: these figures cannot be trusted', ...faults.map((fault) => `  ${fault}`)]
