import { bad, baseUrlOf, checkVersion, lineOf } from '../core/checks.ts'
import type { Credential, ProjectCredential } from '../core/credential.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectId } from '../core/ids.ts'
import { nearest } from '../core/nearest.ts'
import type { Listed, ListPage } from '../core/page.ts'
import type { StoredCredential } from '../core/stored-credential.ts'
import { kindsOf, secretsOf } from '../providers/credential-kinds.ts'
import { providerNamed, providers } from '../providers/index.ts'
import type { Provider } from '../providers/provider.ts'
import { isAmbient } from '../providers/usable-credential.ts'
import { checkedCredential } from './check.ts'
import {
  type CredentialChange,
  changed,
  checkedAddress,
  checkedHeaders,
  destinationOf,
  within,
} from './credential-change.ts'
import type { MasterKeys } from './master-key.ts'
import { rotate } from './rotate.ts'
import type { Rows } from './rows.ts'
import { fingerprint, inList, named, shownFields, withoutSecrets } from './shown.ts'
import { type Secret, Vault, withoutSealed } from './vault.ts'

export interface NewCredential {
  readonly provider: string
  readonly name?: string
  readonly credential: Credential
  /** 1 to 100; the lowest goes first. */
  readonly priority?: number
  /** 1 to 1000: its share among those of the same priority. */
  readonly weight?: number
  /** `mayBePrivate` when an operator has named the address; then hosts in the credential may be any, too. */
  readonly at?: ProjectCredential['at']
}

/** A credential as it may be shown. Secrets are their last four characters, or not even those. */
export type CredentialView = Omit<StoredCredential, 'sealed'>

interface Deps {
  readonly rows: Rows
  readonly masterKeys: MasterKeys
  readonly nowUs: () => number
  readonly newId: () => string
  /** What a provider of the configuration is like, if it has one of this name that is not ours. */
  readonly likeOf: (provider: string) => string | undefined
}

export type OpenedCredential = ProjectCredential & { readonly projectId: ProjectId }

export interface Opened {
  readonly credentials: readonly OpenedCredential[]
  /** Those that are not among them: their secrets have been dropped, or cannot be opened. */
  readonly unusable: readonly Pick<StoredCredential, 'projectId' | 'provider'>[]
  /** Which could not be opened and what to do, in a sentence each. */
  readonly problems: readonly string[]
}

/** The provider of a credential, as far as it matters here. */
interface Home {
  readonly provider: Provider
  /** Where the project itself says that it is. */
  readonly baseUrl?: string
  readonly mayBePrivate: boolean
}

/** The credentials of projects, encrypted where they lie. Nothing but `open` gives a secret away. */
export class KeyStorage {
  private readonly deps: Deps
  private readonly vault: Vault

  constructor(deps: Deps) {
    this.deps = deps
    this.vault = new Vault(deps.masterKeys)
  }

  async list(
    project: ProjectId,
    filter: { readonly provider?: string },
    page: ListPage,
  ): Promise<Listed<CredentialView>> {
    const { items, ...rest } = await this.deps.rows.list(project, filter, page)
    return { items: items.map(toView), ...rest }
  }

  async find(project: ProjectId, id: string): Promise<CredentialView | undefined> {
    const stored = await this.deps.rows.find(project, id)
    return stored && toView(stored)
  }

  create(project: ProjectId, wanted: NewCredential): Promise<CredentialView> {
    return this.deps.rows.whole(async (rows) => {
      const nowUs = this.deps.nowUs()
      const { provider, at = {} } = wanted
      if ((await rows.count(project, provider)) >= mostForProvider) throw tooMany(provider)
      const home = await this.homeOf(rows, project, provider)
      const credential = checkedCredential(wanted.credential, kindsOf(home.provider), at.mayBePrivate === true)
      const headers = checkedHeaders(at.headers)
      const address = checkedAddress(home.provider, at.address)
      const bare: StoredCredential = {
        id: this.deps.newId(),
        projectId: project,
        provider,
        ...(wanted.name !== undefined && { name: lineOf('name', wanted.name) }),
        kind: credential.kind,
        priority: within('priority', wanted.priority ?? 1, 100),
        weight: within('weight', wanted.weight ?? 1, 1000),
        ...(at.baseUrl !== undefined && { baseUrl: baseUrlOf('base_url', at.baseUrl) }),
        ...(address && { address }),
        mayBePrivate: at.baseUrl !== undefined && at.mayBePrivate === true,
        fields: {},
        headerNames: [],
        fingerprint: '',
        needsSecret: false,
        createdUs: nowUs,
        updatedUs: nowUs,
        version: 1,
      }
      const stored = await this.sealed(rows, home, bare, { credential, ...(headers && { headers }) })
      await rows.insert(stored)
      return toView(stored)
    })
  }

  change(project: ProjectId, id: string, wanted: CredentialChange, ifVersion?: number): Promise<CredentialView> {
    return this.deps.rows.whole(async (rows) => {
      const before = await rows.find(project, id)
      if (!before) throw new GatewayError('not_found', `There is no credential ${JSON.stringify(id)} in this project.`)
      checkVersion(`The credential ${id}`, before.version, ifVersion)
      const home = await this.homeOf(rows, project, before.provider)
      const bare = changed(before, home.provider, wanted, this.deps.nowUs())
      const isMoved = destinationOf(bare, home.baseUrl) !== destinationOf(before, home.baseUrl)
      const isSame = !isMoved && wanted.credential === undefined && wanted.at?.headers === undefined
      const stored = isSame
        ? bare
        : await this.sealed(rows, home, bare, this.secretAfter(before, home, wanted, isMoved))
      await rows.replace(stored)
      return toView(stored)
    })
  }

  /** False when there was none. */
  remove(project: ProjectId, id: string, ifVersion?: number): Promise<boolean> {
    return this.deps.rows.whole(async (rows) => {
      const stored = await rows.find(project, id)
      if (!stored) return false
      checkVersion(`The credential ${id}`, stored.version, ifVersion)
      await rows.remove(project, id)
      return true
    })
  }

  /** Those with which calls can be made, of one project or of all. */
  async open(project?: ProjectId): Promise<readonly OpenedCredential[]> {
    return (await this.opened(project)).credentials
  }

  /** The same, and why others are not among them. */
  opened(project?: ProjectId): Promise<Opened> {
    return this.deps.rows.whole(async (rows) => {
      const credentials: OpenedCredential[] = []
      const unusable: StoredCredential[] = []
      const troubles = new Map<string, string[]>()
      const read = this.vault.reader()
      for (const stored of await rows.all(project)) {
        if (stored.needsSecret) {
          unusable.push(stored)
          continue
        }
        try {
          credentials.push(toOpened(stored, read(stored, await destinationFor(rows, stored))))
        } catch (thrown) {
          unusable.push(stored)
          const { message } = thrown as Error
          troubles.set(message, [...(troubles.get(message) ?? []), named(stored)])
        }
      }
      const problems = [...troubles].map(([why, which]) => `${inList(which)} cannot be used: ${why}`)
      return { credentials, unusable: unusable.map(({ projectId, provider }) => ({ projectId, provider })), problems }
    })
  }

  /** Puts every credential under a new master key. */
  rotate(): Promise<{ readonly credentials: number; readonly keyId: string }> {
    const { rows, masterKeys } = this.deps
    return rotate({ rows, masterKeys, vault: this.vault, destinationOf: destinationFor })
  }

  private async homeOf(rows: Rows, project: ProjectId, name: string): Promise<Home> {
    const custom = await rows.customProvider(project, name)
    const row = custom?.like ?? this.deps.likeOf(name) ?? name
    const provider = providerNamed(row)
    if (provider)
      return {
        provider,
        ...(custom?.baseUrl !== undefined && { baseUrl: custom.baseUrl }),
        mayBePrivate: custom?.mayBePrivate === true,
      }
    const meant = nearest(name, Object.keys(providers))
    throw bad('provider', `There is no provider ${JSON.stringify(name)}.${meant ? ` Did you mean ${meant}?` : ''}`)
  }

  /** What is encrypted after a change: what is given, and of what was there that which was not given for another address. */
  private secretAfter(before: StoredCredential, home: Home, wanted: CredentialChange, isMoved: boolean): Secret {
    const { credential: given, at = {} } = wanted
    const isAllNew = given !== undefined && (at.headers !== undefined || before.headerNames.length === 0)
    const kept = isMoved || isAllNew ? withoutSealed(before) : this.kept(before, home)
    const credential =
      given === undefined ? kept.credential : checkedCredential(given, kindsOf(home.provider), at.mayBePrivate === true)
    const headers = at.headers === undefined ? kept.headers : checkedHeaders(at.headers ?? undefined)
    return { ...(credential && { credential }), ...(headers && { headers }) }
  }

  private kept(before: StoredCredential, { baseUrl }: Home): Secret {
    try {
      return this.vault.reader()(before, destinationOf(before, baseUrl))
    } catch (thrown) {
      throw new GatewayError(
        'conflict',
        `What is stored cannot be opened, so it cannot be kept: ${(thrown as Error).message} ` +
          'A new credential and new headers, both given, take its place.',
      )
    }
  }

  private async sealed(rows: Rows, home: Home, bare: StoredCredential, secret: Secret): Promise<StoredCredential> {
    const { credential, headers = {} } = secret
    const baseUrl = bare.baseUrl ?? home.baseUrl
    const mayBePrivate = bare.baseUrl === undefined ? home.mayBePrivate : bare.mayBePrivate
    if (credential && isAmbient(credential) && baseUrl !== undefined && !mayBePrivate)
      throw bad(
        'base_url',
        `${credential.kind} is what this machine itself is allowed. Only an operator may have it sent to another address.`,
      )
    const { sealed: _, ...open } = bare
    const stored: StoredCredential = {
      ...open,
      fields: credential ? shownFields(credential) : withoutSecrets(bare.kind, bare.fields),
      headerNames: Object.keys(headers),
      fingerprint: credential ? fingerprint(await rows.fingerprintSalt(), secretsOf(credential)) : '',
      needsSecret: credential === undefined,
    }
    const isEmpty = stored.headerNames.length === 0 && (credential === undefined || credential.kind === 'none')
    if (isEmpty) return stored
    const others = async () => (await rows.all()).filter(({ id }) => id !== bare.id)
    return { ...stored, sealed: await this.vault.seal(stored, destinationOf(bare, home.baseUrl), secret, others) }
  }
}

/** Each call puts all of them in an order, and may try one after the other. */
const mostForProvider = 100

const tooMany = (provider: string): GatewayError =>
  new GatewayError(
    'conflict',
    `This project has ${mostForProvider} credentials for ${provider}, which is as many as it may have. Remove one that is not needed.`,
  )

async function destinationFor(rows: Pick<Rows, 'customProvider'>, stored: StoredCredential): Promise<string> {
  if (stored.baseUrl !== undefined || stored.address !== undefined) return destinationOf(stored)
  return destinationOf(stored, (await rows.customProvider(stored.projectId, stored.provider))?.baseUrl)
}

function toView({ sealed: _, ...shown }: StoredCredential): CredentialView {
  return { ...shown, fields: shown.needsSecret ? withoutSecrets(shown.kind, shown.fields) : shown.fields }
}

function toOpened(stored: StoredCredential, { credential, headers }: Secret): OpenedCredential {
  if (!credential) throw new Error('it has no secret. Give it anew, or remove it.')
  const { id, projectId, provider, priority, weight, baseUrl, address, mayBePrivate } = stored
  return {
    id,
    projectId,
    provider,
    priority,
    weight,
    credential,
    at: {
      ...(baseUrl !== undefined && { baseUrl }),
      ...(headers && { headers }),
      ...(address && { address }),
      ...(mayBePrivate && { mayBePrivate }),
    },
  }
}
