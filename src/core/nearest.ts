/** Longer than any name of ours; what is written may be of any length. */
const longest = 64

/** The name that was probably meant: one that begins so, or else the one with the fewest changed letters, if they are few. */
export function nearest(written: string, names: Iterable<string>): string | undefined {
  const asked = written.slice(0, longest).toLowerCase()
  let best: string | undefined
  let least = Math.max(2, Math.floor(asked.length / 3)) + 1
  for (const name of names) {
    const known = name.toLowerCase()
    if (asked.length > 1 && known.startsWith(asked)) return name
    const distance = editDistance(asked, known)
    if (distance < least) {
      least = distance
      best = name
    }
  }
  return best
}

/** Levenshtein's: how many letters have to be put in, taken out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
