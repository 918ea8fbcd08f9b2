import type { Screen, Style } from './screen.ts'
import { clip, padEnd, padStart, widthOf } from './text.ts'

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => string
  readonly style?: (row: T) => Style
  readonly numeric?: boolean
  /** How far the column may be cut when there is little room. Without it, never. */
  readonly least?: number
}

const gap = 2

const columnWidth = <T>({ title, cell }: Column<T>, rows: readonly T[]): number =>
  Math.max(title.length, ...rows.map((row) => widthOf(cell(row))))

export const tableWidth = <T>(columns: readonly Column<T>[], rows: readonly T[]): number =>
  columns.reduce((sum, column) => sum + columnWidth(column, rows), gap * (columns.length - 1))

/** Takes what is too much from the columns that may be cut, each time from the one that has most to give. */
export function cutTo<T>(room: number | undefined, columns: readonly Column<T>[], rows: readonly T[]): Column<T>[] {
  const widths = columns.map((column) => columnWidth(column, rows))
  for (let tooMuch = tableWidth(columns, rows) - (room ?? Number.POSITIVE_INFINITY); tooMuch > 0; tooMuch--) {
    const spare = columns.map(({ least }, index) => (least === undefined ? 0 : (widths[index] as number) - least))
    const most = Math.max(...spare)
    if (most <= 0) break
    const index = spare.indexOf(most)
    widths[index] = (widths[index] as number) - 1
  }
  return columns.map((column, index) => ({ ...column, cell: (row) => clip(column.cell(row), widths[index] as number) }))
}

export function drawTable<T>(columns: readonly Column<T>[], rows: readonly T[], { paint }: Screen): string[] {
  const widths = columns.map((column) => columnWidth(column, rows))
  const line = (cellOf: (column: Column<T>) => string, styleOf: (column: Column<T>) => Style | undefined): string =>
    columns
      .map((column, index) => {
        const cell = cellOf(column)
        const width = widths[index] as number
        const isLast = index === columns.length - 1
        const padded = column.numeric ? padStart(cell, width) : isLast ? cell : padEnd(cell, width)
        const style = styleOf(column)
        return style ? paint(style, padded) : padded
      })
      .join(' '.repeat(gap))
  return [
    line(
      ({ title }) => title,
      () => 'bold',
    ),
    ...rows.map((row) =>
      line(
        ({ cell }) => cell(row),
        ({ style }) => style?.(row),
      ),
    ),
  ]
}
