import type { Listed, ListPage } from '../core/page.ts'

/** All of a list that is given in parts. */
export async function* everyPage<T>(ask: (page: ListPage) => Promise<Listed<T>>): AsyncGenerator<T> {
  let after: string | undefined
  do {
    const { items, next } = await ask({ limit: 100, ...(after !== undefined && { after }) })
    yield* items
    after = next
  } while (after !== undefined)
}
