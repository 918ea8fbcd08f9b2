import type { ProviderConfig, Timeouts } from './config.ts'
import type { ProjectCredential } from './credential.ts'
import type { ProjectId } from './ids.ts'

/** A project as calls need it. Everything that is stored belongs to exactly one. */
export interface Project {
  readonly id: ProjectId
  /** Its name in addresses and headers; never that of two. */
  readonly slug: string
  readonly name: string
  readonly isDefault: boolean
  /** Its calls are refused; what it has recorded stays. */
  readonly isArchived: boolean
  readonly settings: ProjectSettings
  /** Its own, by their names, beside those that everybody has. */
  readonly providers: Readonly<Record<string, ProviderConfig>>
  readonly models: Readonly<Record<string, CustomModel>>
  readonly credentials: readonly ProjectCredential[]
  /** Providers for which it has credentials, too, of which none can be used: calls to them are refused. */
  readonly unusable?: readonly string[]
}

export interface ProjectSettings {
  /** Who is asked for models that nobody claims; the vendor of the door's dialect when absent. */
  readonly defaultProvider?: string
  /** They stand before those of the configuration, and behind those of a provider. */
  readonly timeouts?: Partial<Timeouts>
  /** Whether what is said in its calls is recorded. */
  readonly captureBodies: boolean
}

/** A model under a name of one's own. */
export interface CustomModel {
  readonly provider: string
  /** The provider's name for it. */
  readonly model: string
}

/** What there is when nobody has made anything. */
export const firstProject = (id: ProjectId): Project => ({
  id,
  slug: id,
  name: 'Default',
  isDefault: true,
  isArchived: false,
  settings: { captureBodies: true },
  providers: {},
  models: {},
  credentials: [],
})
