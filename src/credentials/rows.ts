import type { ProviderConfig } from '../core/config.ts'
import type { ProjectId } from '../core/ids.ts'
import type { Listed, ListPage } from '../core/page.ts'
import type { StoredCredential } from '../core/stored-credential.ts'

/** Where credentials are stored. */
export interface Rows {
  /** All that `work` reads and writes is of one moment, and is done as a whole or not at all. */
  whole<T>(work: (rows: Rows) => Promise<T>): Promise<T>
  list(project: ProjectId, filter: { readonly provider?: string }, page: ListPage): Promise<Listed<StoredCredential>>
  all(project?: ProjectId): Promise<readonly StoredCredential[]>
  find(project: ProjectId, id: string): Promise<StoredCredential | undefined>
  count(project: ProjectId, provider: string): Promise<number>
  /** Throws when there is no such project, or when it has too many. */
  insert(credential: StoredCredential): Promise<void>
  replace(credential: StoredCredential): Promise<void>
  remove(project: ProjectId, id: string): Promise<void>
  /** How the project has configured a provider of its own. */
  customProvider(project: ProjectId, name: string): Promise<ProviderConfig | undefined>
  fingerprintSalt(): Promise<string>
}
