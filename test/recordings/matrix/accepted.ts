/**
 * Differences that were looked at and are right as they are, each with its reason. One that no longer occurs fails the
 * matrix, so that the list says what is true.
 */
export interface Accepted {
  readonly ids: readonly string[]
  /** As the matrix calls it. */
  readonly property: string
  readonly reason: string
}

export const accepted: readonly Accepted[] = []
