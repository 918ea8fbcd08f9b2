import type { Credential } from '../core/credential.ts'
import { GatewayError } from '../core/error.ts'
import type { StoredCredential } from '../core/stored-credential.ts'
import { type MasterKey, masterKeyIdOf, type Place, rewrap, seal, unseal } from './envelope.ts'
import type { KeyRing, MasterKeys } from './master-key.ts'
import { hasSecrets, inList, named, withoutSecrets } from './shown.ts'

/** What is encrypted of a credential. Without `credential` that has been dropped, and only the headers are new. */
export interface Secret {
  readonly credential?: Credential
  readonly headers?: Readonly<Record<string, string>>
}

/** Throws in words for an operator. `destination` is where the credential goes, in one form. */
export type ReadSecret = (stored: StoredCredential, destination: string) => Secret

/** Encrypts and opens what is secret of credentials, each for its place. */
export class Vault {
  private readonly masterKeys: MasterKeys

  constructor(masterKeys: MasterKeys) {
    this.masterKeys = masterKeys
  }

  /** By the keys that are there now. */
  reader(): ReadSecret {
    let ring: KeyRing | undefined
    return (stored, destination) => {
      if (stored.sealed === undefined) return withoutSealed(stored)
      ring ??= this.masterKeys.read()
      const master = this.keyOf(stored.sealed, ring)
      try {
        return JSON.parse(unseal(master, placeOf(stored, destination), stored.sealed)) as Secret
      } catch {
        throw new Error('it was stored for another place, or is damaged. Give its secret anew, or remove it.')
      }
    }
  }

  /** `others` are those that are stored: a new key must not hide that theirs is missing. */
  async seal(
    stored: StoredCredential,
    destination: string,
    secret: Secret,
    others: () => Promise<readonly StoredCredential[]>,
  ): Promise<string> {
    return seal(await this.activeKey(others), placeOf(stored, destination), JSON.stringify(secret))
  }

  /** The same under another master key; undefined when it is under that already, or has nothing secret. */
  rewrapped(stored: StoredCredential, destination: string, next: MasterKey): string | undefined {
    if (stored.sealed === undefined || masterKeyIdOf(stored.sealed) === next.id) return undefined
    return rewrap(this.keyOf(stored.sealed, this.masterKeys.read()), next, placeOf(stored, destination), stored.sealed)
  }

  private keyOf(sealed: string, { find }: KeyRing): MasterKey {
    const id = masterKeyIdOf(sealed)
    const master = find(id)
    if (master) return master
    throw new Error(
      `the master key ${id} is not there. Put it back as ${this.masterKeys.place}, or remove what is stored under it and add it again.`,
    )
  }

  private async activeKey(others: () => Promise<readonly StoredCredential[]>): Promise<MasterKey> {
    const { active } = this.ring()
    if (active) return active
    const orphans = (await others()).filter(({ sealed }) => sealed !== undefined)
    if (orphans.length === 0) return this.masterKeys.make()
    throw new GatewayError(
      'conflict',
      `The master key is missing under which ${inList(orphans.map(named))} is stored. ` +
        `Put it back as ${this.masterKeys.place}, or remove what is stored under it.`,
    )
  }

  private ring(): KeyRing {
    try {
      return this.masterKeys.read()
    } catch (thrown) {
      throw new GatewayError('conflict', (thrown as Error).message)
    }
  }
}

/** Of a kind that has nothing to hide all is in what is shown; nothing else is stored in clear. */
export function withoutSealed({ kind, fields, needsSecret }: StoredCredential): Secret {
  if (needsSecret || hasSecrets({ kind, fields })) return {}
  return { credential: { kind, fields: withoutSecrets(kind, fields) } }
}

const placeOf = ({ projectId, provider, id }: StoredCredential, destination: string): Place => ({
  project: projectId,
  provider,
  id,
  destination,
})
