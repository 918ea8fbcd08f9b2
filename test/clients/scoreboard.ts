type Outcome = 'passed' | 'failed' | { readonly reason: string }

interface Cell {
  readonly row: string
  readonly column: string
  readonly scene: string
  outcome: Outcome
}

/** What came of each client library before each vendor, for a reader. */
export class Scoreboard {
  private readonly cells: Cell[] = []
  private readonly notes = new Set<string>()

  /** What a scene leaves out for a library, and why. */
  note(row: string, left: string, reason: string): void {
    this.notes.add(`not looked at: ${row}: ${left}: ${reason}`)
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
    const { cells } = this
    const columns = [...new Set(cells.map(({ column }) => column))]
    const rows = [...new Set(cells.map(({ row }) => row))]
    const width = Math.max(...rows.map((row) => row.length))
    const line = (name: string, values: readonly string[]): string =>
      `${name.padEnd(width)}  ${values.map((value, index) => value.padEnd(columns[index]?.length ?? 0)).join('  ')}`
    const count = (row: string, column: string): string => {
      const played = cells.filter((cell) => cell.row === row && cell.column === column)
      const passed = played.filter(({ outcome }) => outcome === 'passed').length
      const failed = played.filter(({ outcome }) => outcome === 'failed').length
      const skipped = played.length - passed - failed
      return `${passed}${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} n/a` : ''}`
    }
    return [
      line('passed (failed, not applicable)', columns),
      ...rows.map((row) =>
        line(
          row,
          columns.map((column) => count(row, column)),
        ),
      ),
      ...grouped(
        cells.flatMap(({ row, column, scene, outcome }) =>
          outcome === 'failed' ? [[`FAILED: ${row}, ${column} behind`, scene] as const] : [],
        ),
      ),
      ...grouped(
        cells.flatMap(({ row, column, scene, outcome }) =>
          typeof outcome === 'object'
            ? [[`not applicable: ${row}, ${column} behind: ${outcome.reason}`, scene] as const]
            : [],
        ),
      ),
      ...this.notes,
    ].join('\n')
  }
}

/** One line for all scenes of which the same is said. */
function grouped(said: readonly (readonly [string, string])[]): string[] {
  const lines = Map.groupBy(said, ([line]) => line)
  return [...lines].map(([line, scenes]) => `${line}: ${scenes.map(([, scene]) => scene).join('; ')}`)
}
