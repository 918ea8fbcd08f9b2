import type { IndexRow } from '../../support/recordings.ts'
import { type Accepted, accepted } from './accepted.ts'
import type { Verdict } from './verdict.ts'

/** Exchange × property → what became of it. */
export class Table {
  private readonly cells = new Map<string, Map<string, Verdict>>()

  put(property: string, id: string, verdict: Verdict): void {
    const column = this.cells.get(property) ?? new Map<string, Verdict>()
    this.cells.set(property, column.set(id, verdict))
  }

  /** Failures that nobody has accepted. */
  failures(property: string): readonly string[] {
    return [...(this.cells.get(property) ?? [])].flatMap(([id, verdict]) =>
      verdict.kind === 'failed' && !acceptedFor(property, id) ? [`${id}: ${verdict.why}`] : [],
    )
  }

  /** What was accepted and does not occur. */
  stale(): readonly string[] {
    return accepted.flatMap(({ properties, ids }) =>
      properties.flatMap((property) =>
        ids
          .filter((id) => this.cells.get(property)?.get(id)?.kind !== 'failed')
          .map((id) => `${property} · ${id}: it passes, or does not apply; take it from the list`),
      ),
    )
  }

  /** The summary by provider and wire format, every failure, and every accepted difference with its reason. */
  printed(rows: readonly IndexRow[]): string {
    const columns = [...this.cells.keys()]
    const groups = Map.groupBy(rows, ({ api, provider }) => `${api} · ${provider}`)
    const lines = [...groups]
      .filter(([, members]) => members.some(({ id }) => columns.some((column) => this.applies(column, id))))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([group, members]) => [
        group,
        `${members.length}`,
        ...columns.map((column) => this.counted(column, members)),
      ])
    const total = ['all', `${rows.length}`, ...columns.map((column) => this.counted(column, rows))]
    const all = [['api · provider', 'exchanges', ...columns.map(heading)], ...lines, total]
    const widths = all[0]?.map((_, place) => Math.max(...all.map((line) => line[place]?.length ?? 0))) ?? []
    const failures = columns.flatMap((column) => this.failures(column).map((failure) => `  ${column} · ${failure}`))
    return [
      'passed, or passed/failed/accepted, of those to which the property applies; · where it applies to none',
      ...all.map((line) => line.map((cell, place) => cell.padEnd(widths[place] ?? 0)).join('  ')),
      `Not applicable: ${this.reasons(rows, columns)}`,
      ...(failures.length > 0 ? [`${failures.length} failures:`, ...failures] : ['No failures.']),
      `${accepted.reduce((sum, { ids, properties }) => sum + ids.length * properties.length, 0)} accepted differences:`,
      ...accepted.map(
        ({ properties, ids, reason }) => `  ${properties.join(', ')} · ${ids.length}: ${reason} (${ids.join(', ')})`,
      ),
    ].join('\n')
  }

  /** One line for each exchange and property: the whole table. */
  full(rows: readonly IndexRow[]): string {
    return rows
      .flatMap(({ id }) =>
        [...this.cells].map(([property, column]) => {
          const verdict = column.get(id)
          const note = acceptedFor(property, id)
          if (!verdict) return `${id}\t${property}\tmissing`
          if (verdict.kind === 'passed') return `${id}\t${property}\tpassed`
          if (verdict.kind === 'failed')
            return `${id}\t${property}\t${note ? `accepted\t${note.reason}` : `failed\t${verdict.why}`}`
          return `${id}\t${property}\tnot applicable\t${verdict.reason}`
        }),
      )
      .join('\n')
  }

  private applies(property: string, id: string): boolean {
    const verdict = this.cells.get(property)?.get(id)
    return verdict !== undefined && verdict.kind !== 'not applicable'
  }

  private counted(property: string, rows: readonly IndexRow[]): string {
    const column = this.cells.get(property)
    let [passes, fails, accepts] = [0, 0, 0]
    for (const { id } of rows) {
      const verdict = column?.get(id)
      if (verdict?.kind === 'passed') passes++
      else if (verdict?.kind === 'failed' && acceptedFor(property, id)) accepts++
      else if (verdict?.kind === 'failed') fails++
    }
    if (passes + fails + accepts === 0) return '·'
    return fails + accepts === 0 ? `${passes}` : `${passes}/${fails}/${accepts}`
  }

  private reasons(rows: readonly IndexRow[], columns: readonly string[]): string {
    const counts = new Map<string, number>()
    for (const column of columns) {
      for (const { id } of rows) {
        const verdict = this.cells.get(column)?.get(id)
        if (verdict?.kind === 'not applicable') counts.set(verdict.reason, (counts.get(verdict.reason) ?? 0) + 1)
      }
    }
    return [...counts].map(([reason, count]) => `${reason} (${count})`).join('; ')
  }
}

/** Short enough for all columns to stand beside each other. */
const heading = (property: string): string =>
  property
    .replace('next turn', 'turn')
    .replace('request to', 'ask')
    .replace('openai-chat', 'chat')
    .replace('openai-responses', 'responses')
    .replace('anthropic-messages', 'messages')
    .replace('bedrock-converse', 'bedrock')

const byProperty = new Map<string, Map<string, Accepted>>()
for (const one of accepted) {
  for (const property of one.properties) {
    const known = byProperty.get(property) ?? new Map<string, Accepted>()
    for (const id of one.ids) known.set(id, one)
    byProperty.set(property, known)
  }
}

const acceptedFor = (property: string, id: string): Accepted | undefined => byProperty.get(property)?.get(id)
