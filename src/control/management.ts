import type { Api } from '../api/api.ts'
import type { ControlStores } from '../api/control-stores.ts'
import type { ApiDeps } from '../api/deps.ts'
import type { Loaded } from '../config/load.ts'
import { checkStored, settingViews } from '../config/settings-access.ts'
import type { Config } from '../core/config.ts'
import { configuredId, type ProjectCredential } from '../core/credential.ts'
import { GatewayError } from '../core/error.ts'
import type { Project } from '../core/project.ts'
import type { TokenKeeper, Wanted } from '../credentials/token-keeper.ts'
import type { Upstreams } from '../http/upstream.ts'
import { kindOf } from '../providers/credential-kinds.ts'

/** What there is to be managed, as its owner has it open. */
export interface Managed extends Pick<ApiDeps, 'health' | 'changed' | 'onFault'> {
  readonly stores: ControlStores
  readonly tokens: TokenKeeper
  readonly loaded: () => Loaded
  readonly projects: () => readonly Project[]
}

/** How many credentials are tested at the same time. */
const mostProbes = 8

/** The API over what is managed. */
export class Management {
  private readonly managed: Managed
  private out: Upstreams | undefined
  private probing = 0

  constructor(managed: Managed) {
    this.managed = managed
  }

  /** The API for callers of one kind. It is large and many a server is never asked, so it is loaded by its first request. */
  api(admit: ApiDeps['admit']): Pick<Api, 'fetch'> {
    let made: Promise<Api> | undefined
    const make = async (): Promise<Api> => {
      const [{ createApi }, { summariesOf }] = await Promise.all([
        import('../api/api.ts'),
        import('../api/provider-facts.ts'),
      ])
      const { stores, loaded, health, changed, onFault } = this.managed
      return createApi({
        stores,
        admit,
        health,
        changed,
        onFault,
        settings: { list: () => settingViews(loaded(), true), check: checkStored },
        providers: () => summariesOf(loaded().config, (key) => loaded().sources.get(key)?.kind),
        models: () => loaded().config.models,
        probe: (project, credential) => this.probeInTurn(project, credential),
      })
    }
    return {
      async fetch(request, about) {
        made ??= make()
        return (await made).fetch(request, about)
      },
    }
  }

  /** Has tokens kept for every credential that needs them. */
  keepTokens(): void {
    const { tokens, loaded, projects } = this.managed
    tokens.keep([...wantedOf(loaded().config), ...projects().flatMap(wantedBy)])
  }

  close(): Promise<void> | undefined {
    return this.out?.close()
  }

  /** Whoever is asked may answer slowly and at length, and somebody else waits for control meanwhile. */
  private async probeInTurn(projectId: string, credential: ProjectCredential) {
    if (this.probing >= mostProbes)
      throw new GatewayError('too_many_waiting', `${mostProbes} credentials are being tested already. Try again.`, {
        headers: { 'retry-after': '1' },
      })
    this.probing++
    try {
      return await this.probe(projectId, credential)
    } finally {
      this.probing--
    }
  }

  private async probe(projectId: string, credential: ProjectCredential) {
    const { projects, loaded, tokens } = this.managed
    const project = projects().find(({ id }) => id === projectId)
    const { config } = loaded()
    const [{ everybodys, providersOf }, { probe }, { upstreams }] = await Promise.all([
      import('../providers/configured-providers.ts'),
      import('../credentials/probe.ts'),
      import('../http/upstream.ts'),
    ])
    const provider =
      project &&
      providersOf({ ...project, credentials: [credential] }, config, everybodys(config)).get(credential.provider)
    if (!provider) throw new GatewayError('not_found', `There is no provider ${credential.provider} in this project.`)
    this.out ??= upstreams()
    // They are kept already where calls are made, and not in a command without a server.
    if (isCloud(credential)) this.keepTokens()
    const token = isCloud(credential) ? await tokens.get(credential.id) : undefined
    const target = {
      provider: provider.own[0]?.at ?? provider,
      credential: credential.credential,
      ...(token && { token }),
      ...(credential.at.headers && { headers: credential.at.headers }),
    }
    return probe(target, this.out.send, Date.now)
  }
}

const isCloud = ({ credential }: Pick<ProjectCredential, 'credential'>): boolean => kindOf(credential)?.isCloud ?? false

const wantedOf = (config: Config): Wanted[] =>
  Object.entries(config.providers).flatMap(([provider, { apiKey, credential, address }]) =>
    credential && apiKey === undefined && isCloud({ credential })
      ? [{ id: configuredId(provider), credential, provider, ...(address && { address }) }]
      : [],
  )

const wantedBy = ({ isArchived, credentials }: Project): Wanted[] =>
  credentials
    .filter((one) => !isArchived && isCloud(one))
    .map(({ id, credential, provider, at: { address } }) => ({ id, credential, provider, ...(address && { address }) }))
