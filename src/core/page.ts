/** What part of a list is asked for. `after` is the `next` of the part before. */
export interface ListPage {
  readonly limit: number
  readonly after?: string
}

/** A part of a list. `next` says where to go on; it is absent at the end. */
export interface Listed<T> {
  readonly items: readonly T[]
  readonly next?: string
}
