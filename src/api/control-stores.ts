import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { ClientKey } from '../core/access.ts'
import { dashed, uuidv7 } from '../core/ids.ts'
import type { Project } from '../core/project.ts'
import { KeyStorage, type Opened } from '../credentials/key-storage.ts'
import { MasterKeys } from '../credentials/master-key.ts'
import { providerNamed } from '../providers/index.ts'
import { ClientKeyStore } from '../store/client-keys.ts'
import { CustomModelStore, type CustomModelView } from '../store/custom-models.ts'
import { CustomProviderStore, type CustomProviderView } from '../store/custom-providers.ts'
import { openConfigFile } from '../store/databases.ts'
import { dataFiles } from '../store/files.ts'
import { ensureDefaultProject, ProjectStore, type ProjectView } from '../store/projects.ts'
import { CredentialRows } from '../store/provider-credentials.ts'
import type { ConfigDb } from '../store/schema.ts'
import { kyselyOn } from '../store/sqlite/open.ts'
import { inWords } from '../store/sqlite/trouble.ts'
import { SettingStore } from '../store/stored-settings.ts'

/** Everything that control stores, and the state that follows from it. */
export interface ControlStores {
  readonly projects: ProjectStore
  readonly providers: CustomProviderStore
  readonly models: CustomModelStore
  readonly credentials: KeyStorage
  readonly clientKeys: ClientKeyStore
  readonly settings: SettingStore
  state(): Promise<ControlState>
  /** What an operator should know since the state was last asked for, in a sentence each. */
  problems(): readonly string[]
  close(): void
}

export interface ControlState {
  /** The default one first; the archived too. */
  readonly projects: readonly Project[]
  /** Those that have not been revoked. */
  readonly keys: readonly ClientKey[]
}

/**
 * Opens `config.db`, brought to its newest form, and the master keys. Throws when that cannot be done. `likeOf` says what a
 * provider of the configuration is like, if it has one of this name that is not in our table.
 */
export async function openControlStores(
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>>,
  nowUs: () => number,
  likeOf: (provider: string) => string | undefined = () => undefined,
): Promise<ControlStores> {
  const masterKeys = new MasterKeys({ path: masterKeyPath(dataDir), environment })
  const database = await openedFile(dataDir, nowUs)
  const db = kyselyOn<ConfigDb>(database)
  const newId = (): string => dashed(uuidv7(Math.floor(nowUs() / 1000), randomBytes(10).toString('hex')))
  const isBuiltIn = (name: string): boolean => providerNamed(name) !== undefined
  const projects = new ProjectStore(db, { nowUs, newId })
  const customProviders = new CustomProviderStore(db, { nowUs, isBuiltIn })
  const models = new CustomModelStore(db, {
    nowUs,
    isProvider: (name) => isBuiltIn(name) || likeOf(name) !== undefined,
  })
  const credentials = new KeyStorage({ rows: new CredentialRows(db), masterKeys, nowUs, newId, likeOf })
  const clientKeys = new ClientKeyStore(db, nowUs)
  let problems: readonly string[] = []
  return {
    projects,
    providers: customProviders,
    models,
    credentials,
    clientKeys,
    settings: new SettingStore(db),
    async state() {
      const { credentials: open, unusable, ...rest } = await credentials.opened()
      problems = rest.problems
      const parts = {
        credentials: byProject(open),
        unusable: byProject(unusable),
        providers: byProject(await customProviders.all()),
        models: byProject(await models.all()),
      }
      return {
        projects: (await projects.all()).map((view) => projectOf(view, parts)),
        keys: await clientKeys.unrevoked(),
      }
    },
    problems: () => problems,
    close: () => database.close(),
  }
}

/** Of the file with the keys under which credentials are encrypted, where the environment has none. */
export const masterKeyPath = (dataDir: string): string => join(dataDir, 'master.key')

async function openedFile(dataDir: string, nowUs: () => number): Promise<DatabaseSync> {
  let database: DatabaseSync | undefined
  try {
    database = await openConfigFile(dataDir)
    await ensureDefaultProject(kyselyOn(database), nowUs())
    return database
  } catch (thrown) {
    database?.close()
    throw new Error(inWords(dataFiles(dataDir).config, 'opened', thrown), { cause: thrown })
  }
}

/** What there is of each project, by its id. */
type ByProject<T> = ReadonlyMap<string, readonly T[]>

const byProject = <T extends { readonly projectId: string }>(all: readonly T[]): ByProject<T> =>
  Map.groupBy(all, ({ projectId }) => projectId)

interface Parts {
  readonly credentials: ByProject<Opened['credentials'][number]>
  readonly unusable: ByProject<Opened['unusable'][number]>
  readonly providers: ByProject<CustomProviderView>
  readonly models: ByProject<CustomModelView>
}

function projectOf({ id, slug, name, isDefault, isArchived, settings }: ProjectView, parts: Parts): Project {
  const { credentials, unusable, providers, models } = parts
  const own = models.get(id) ?? []
  const closed = new Set(unusable.get(id)?.map(({ provider }) => provider))
  return {
    id,
    slug,
    name,
    isDefault,
    isArchived,
    settings,
    providers: Object.fromEntries((providers.get(id) ?? []).map((one) => [one.name, one.config])),
    models: Object.fromEntries(own.map(({ name: called, provider, model }) => [called, { provider, model }])),
    credentials: (credentials.get(id) ?? []).map(({ projectId: _, ...credential }) => credential),
    ...(closed.size > 0 && { unusable: [...closed] }),
  }
}
