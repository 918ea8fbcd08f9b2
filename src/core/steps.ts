/** One stage of a stream. It may keep state and may turn one item into none or many, but it never waits. */
export interface Step<In, Out> {
  next(item: In): readonly Out[]
  /** What is left when the stream has ended, such as a last frame without its blank line. */
  end(): readonly Out[]
}

export const compose = <A, B, C>(first: Step<A, B>, second: Step<B, C>): Step<A, C> => ({
  next: (item) => first.next(item).flatMap((middle) => second.next(middle)),
  end: () => [...first.end().flatMap((middle) => second.next(middle)), ...second.end()],
})

/** Everything that a step makes of these items, its end included. */
export const runStep = <In, Out>(step: Step<In, Out>, items: Iterable<In>): Out[] => {
  const out: Out[] = []
  for (const item of items) out.push(...step.next(item))
  out.push(...step.end())
  return out
}
