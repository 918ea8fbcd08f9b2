type Outcome = 'passed' | 'failed' | { readonly reason: string }

interface Cell {
  readonly row: string
  readonly column: string
  readonly scene: string
  outcome: Outcome
}

interface Note {
  readonly row: string
  readonly left: string
  readonly reason: string
}

/** What came of each client library before each vendor, for a reader. */
export class Scoreboard {
  private readonly cells: Cell[] = []
  private readonly notes: Note[] = []

  /** What scenes leave out for a library, and why. */
  note(row: string, left: string, reason: string): void {
    this.notes.push({ row, left, reason })
  }

  /** Runs one test of the table; gives the reason back when there was nothing to test. */
  async play(at: Omit<Cell, 'outcome'>, scene: () => Promise<string | undefined>): Promise<string | undefined> {
    const cell: Cell = { ...at, outcome: 'failed' }
    this.cells.push(cell)
    const reason = await scene()
    cell.outcome = reason === undefined ? 'passed' : { reason }
    return reason
  }

  text(): string {
    const failed = this.cells.filter(({ outcome }) => outcome === 'failed')
    const skipped = this.cells.flatMap(({ outcome, ...at }) =>
      typeof outcome === 'object' ? [{ ...at, ...outcome }] : [],
    )
    const others = this.notes.filter(
      (note) => !skipped.some(({ row, reason }) => row === note.row && reason === note.reason),
    )
    return [
      ...this.table(),
      ...failed.map(({ row, column, scene }) => `FAILED: ${row}, ${column} behind: ${scene}`),
      ...[...Map.groupBy(skipped, ({ row, reason }) => `not applicable: ${row}: ${reason}`)].map(
        ([line, cells]) => `${line}: ${all(cells, 'scene')} (${all(cells, 'column')} behind)`,
      ),
      ...others.map(({ row, left, reason }) => `not looked at: ${row}: ${left}: ${reason}`),
    ].join('\n')
  }

  private table(): string[] {
    const columns = [...new Set(this.cells.map(({ column }) => column))]
    const rows = [...Map.groupBy(this.cells, ({ row }) => row)].map(([row, cells]) => [
      row,
      ...columns.map((column) => summary(cells.filter((cell) => cell.column === column))),
    ])
    const lines = [['passed (failed, not applicable)', ...columns], ...rows]
    const widths = lines[0]?.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0))) ?? []
    return lines.map((line) => line.map((value, index) => value.padEnd(widths[index] ?? 0)).join('  '))
  }
}

function summary(cells: readonly Cell[]): string {
  const passed = cells.filter(({ outcome }) => outcome === 'passed').length
  const failed = cells.filter(({ outcome }) => outcome === 'failed').length
  const skipped = cells.length - passed - failed
  return `${passed}${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} n/a` : ''}`
}

const all = (cells: readonly Omit<Cell, 'outcome'>[], of: 'scene' | 'column'): string =>
  [...new Set(cells.map((cell) => cell[of]))].join('; ')
