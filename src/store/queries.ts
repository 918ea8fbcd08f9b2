import type { Kysely } from 'kysely'
import type { ProjectId } from '../core/ids.ts'
import type { TracesDb } from './schema.ts'
import { showTrace } from './show.ts'
import { listTraces, type Page, type TraceFilter } from './traces.ts'

/** What may be asked of the stored traces, by whom ever: the running server's reader or a command of its own. */
export const queries = {
  listTraces: (db: Kysely<TracesDb>, detail: { project: ProjectId; filter: TraceFilter; page: Page }) =>
    listTraces(db, detail.project, detail.filter, detail.page),
  showTrace: (db: Kysely<TracesDb>, detail: { project: ProjectId; prefix: string }) =>
    showTrace(db, detail.project, detail.prefix),
}

export type QueryName = keyof typeof queries
export type QueryDetail<Q extends QueryName> = Parameters<(typeof queries)[Q]>[1]
export type QueryAnswer<Q extends QueryName> = Awaited<ReturnType<(typeof queries)[Q]>>

export const isQueryName = (name: string): name is QueryName => Object.hasOwn(queries, name)
