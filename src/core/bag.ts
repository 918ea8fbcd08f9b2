/** What stands in a bag knows its place there; -1 when it is in none. */
export interface InBag {
  place: number
}

/**
 * Things that come and go thousands of times a second, in no order. A `Set` is rebuilt every few dozen changes, and an old
 * table that has once been promoted keeps all later ones, and what was in them, until the next full collection.
 */
export class Bag<T extends InBag> {
  private readonly items: T[] = []

  get size(): number {
    return this.items.length
  }

  add(item: T): void {
    item.place = this.items.push(item) - 1
  }

  remove(item: T): void {
    const { place } = item
    if (place < 0) return
    const last = this.items.pop() as T
    if (last !== item) {
      this.items[place] = last
      last.place = place
    }
    item.place = -1
  }

  /** Looks at each, from the last to the first, so that one may leave when it is looked at. */
  visit(look: (item: T) => void): void {
    for (let at = this.items.length - 1; at >= 0; at--) {
      const item = this.items[at]
      if (item) look(item)
    }
  }

  [Symbol.iterator](): Iterator<T> {
    return this.items[Symbol.iterator]()
  }
}
