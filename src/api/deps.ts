import type { Caller, Scope } from '../core/access.ts'
import type { ProviderConfig, SettingView } from '../core/config.ts'
import type { ProjectCredential } from '../core/credential.ts'
import type { CustomModel } from '../core/project.ts'
import type { ProbeResult } from '../credentials/probe.ts'
import type { Credentials } from '../http/caller.ts'
import type { Provider } from '../providers/provider.ts'
import type { ControlStores } from './control-stores.ts'

/** What the API needs of the program around it. */
export interface ApiDeps {
  readonly stores: ControlStores
  /** Says who asks, or refuses them. */
  readonly admit: (request: Credentials, scope: Scope) => Caller
  readonly settings: SettingsAccess
  /** The providers that everybody has: those of the table and those of the configuration. */
  readonly providers: () => readonly ProviderSummary[]
  /** The models that everybody has under names of the operator's. */
  readonly models: () => Readonly<Record<string, CustomModel>>
  readonly health: () => ApiHealth | Promise<ApiHealth>
  /** Makes the cheapest real call with a credential. */
  readonly probe: (projectId: string, credential: ProjectCredential) => Promise<ProbeResult>
  /** Told after each change; what was changed is in force when its promise is fulfilled. */
  readonly changed: () => Promise<void>
  /** Told of everything that is our own fault, for the log. */
  readonly onFault: (error: unknown) => void
}

export interface ProviderSummary {
  readonly name: string
  readonly provider: Provider
  readonly config: ProviderConfig
  readonly origin: 'built_in' | 'file'
  /** Where the credential of the configuration comes from; absent when there is none. */
  readonly credentialFrom?: 'file' | 'environment'
}

export interface ApiHealth {
  /** `stopped` for a command that looks at the files while no server runs. */
  readonly phase: 'starting' | 'running' | 'draining' | 'stopped'
  readonly problems: readonly string[]
}

/** The settings of the program, as the API shows and changes them. */
export interface SettingsAccess {
  list(): readonly SettingView[]
  /** The value as it will be stored. Throws an error with a sentence for whoever sent it. */
  check(key: string, value: unknown): unknown
}
