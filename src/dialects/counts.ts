/** Takes parts from a total, none of them more than there is left. Of a total that nobody reported, all parts are as they are. */
export function parting(total: number | undefined): (part: number | undefined) => number | undefined {
  let left = total ?? Number.POSITIVE_INFINITY
  return (part) => {
    if (part === undefined) return undefined
    const taken = Math.min(part, left)
    left -= taken
    return taken
  }
}
