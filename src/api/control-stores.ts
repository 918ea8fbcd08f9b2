import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { ClientKey } from '../core/access.ts'
import type { ProviderConfig } from '../core/config.ts'
import { dashed, uuidv7 } from '../core/ids.ts'
import type { CustomModel, Project } from '../core/project.ts'
import { KeyStorage } from '../credentials/key-storage.ts'
import { MasterKeys } from '../credentials/master-key.ts'
import { providers } from '../providers/index.ts'
import { ClientKeyStore } from '../store/client-keys.ts'
import { CustomModelStore } from '../store/custom-models.ts'
import { CustomProviderStore } from '../store/custom-providers.ts'
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
  const isBuiltIn = (name: string): boolean => Object.hasOwn(providers, name)
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
      const { credentials: open, ...rest } = await credentials.opened()
      problems = rest.problems
      const [views, own, named] = [await projects.all(), await customProviders.all(), await models.all()]
      return {
        projects: views.map((view) => projectOf(view, { credentials: open, providers: own, models: named })),
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

interface Parts {
  readonly credentials: Awaited<ReturnType<KeyStorage['open']>>
  readonly providers: Awaited<ReturnType<CustomProviderStore['all']>>
  readonly models: Awaited<ReturnType<CustomModelStore['all']>>
}

function projectOf({ id, slug, name, isDefault, isArchived, settings }: ProjectView, parts: Parts): Project {
  const isIts = ({ projectId }: { readonly projectId: string }): boolean => projectId === id
  const providers = parts.providers.filter(isIts).map((one): [string, ProviderConfig] => [one.name, one.config])
  const models = parts.models.filter(isIts).map((one): [string, CustomModel] => {
    const { provider, model } = one
    return [one.name, { provider, model }]
  })
  return {
    id,
    slug,
    name,
    isDefault,
    isArchived,
    settings,
    providers: Object.fromEntries(providers),
    models: Object.fromEntries(models),
    credentials: parts.credentials.filter(isIts).map(({ projectId: _, ...credential }) => credential),
  }
}
