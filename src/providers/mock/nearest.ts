/** The name that was probably meant: one that begins so, or of which at most a third of the letters, or two, differ. */
export function nearest(written: string, names: readonly string[]): string | undefined {
  const begun = written.length > 1 ? names.find((name) => name.startsWith(written)) : undefined
  if (begun !== undefined) return begun
  const [best] = names
    .map((name) => ({ name, changes: changesBetween(written, name) }))
    .filter(({ name, changes }) => changes <= Math.max(2, name.length / 3))
    .toSorted((a, b) => a.changes - b.changes)
  return best?.name
}

/** How many letters to put in, take out or replace, as Levenshtein counts; a name of any length costs no more than 64. */
function changesBetween(a: string, b: string): number {
  const from = a.slice(0, 64)
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const above = row
    row = [line]
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(above, column - 1) + (from[line - 1] === b[column - 1] ? 0 : 1)
      row.push(Math.min(replaced, at(above, column) + 1, at(row, column - 1) + 1))
    }
  }
  return at(row, b.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? 0
