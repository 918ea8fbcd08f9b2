/** What became of one property of one exchange. */
export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'not applicable'; readonly reason: string }

export const passed: Verdict = { kind: 'passed' }
export const failed = (why: string): Verdict => ({ kind: 'failed', why })
export const notApplicable = (reason: string): Verdict => ({ kind: 'not applicable', reason })

/** Passed when there is no difference; otherwise the first few are told. */
export const verdictOf = (differences: readonly string[]): Verdict =>
  differences.length === 0 ? passed : failed(differences.slice(0, 4).join(' · '))

/** A judge that throws has found a failure. */
export function judged(judge: () => Verdict): Verdict {
  try {
    return judge()
  } catch (thrown) {
    const error = thrown as Error
    return failed(`throws ${error.name}: ${error.message}`.slice(0, 300))
  }
}
