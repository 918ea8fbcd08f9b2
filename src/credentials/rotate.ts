import { GatewayError } from '../core/error.ts'
import type { StoredCredential } from '../core/stored-credential.ts'
import { masterKeyIdOf } from './envelope.ts'
import type { MasterKeys } from './master-key.ts'
import type { Rows } from './rows.ts'
import { named } from './shown.ts'
import type { Vault } from './vault.ts'

interface Deps {
  readonly rows: Rows
  readonly masterKeys: MasterKeys
  readonly vault: Vault
  /** Where a credential goes, in one form. */
  readonly destinationOf: (rows: Rows, stored: StoredCredential) => Promise<string>
}

/**
 * Puts every credential under a new master key: one of the file, or that of the environment. Wherever it is cut off, all
 * credentials can still be opened: the new key is on the disk before anything is under it, and the old one is forgotten
 * when nothing is any more. The file is only ever written in a transaction, so that two of these never meet there.
 */
export async function rotate(deps: Deps): Promise<{ credentials: number; keyId: string }> {
  const { rows, masterKeys, vault, destinationOf } = deps
  const done = await rows.whole(async (all) => {
    await checkAll(all, deps)
    if (masterKeys.isGiven && masterKeys.read().size === 1) throw new GatewayError('conflict', alreadyNew)
    const next = masterKeys.makeNext()
    let credentials = 0
    for (const stored of await all.all()) {
      const sealed = vault.rewrapped(stored, await destinationOf(all, stored), next)
      if (sealed === undefined) continue
      await all.replace({ ...stored, sealed })
      credentials++
    }
    return { credentials, keyId: next.id }
  })
  await rows.whole(async (all) => {
    const used = (await all.all()).flatMap(({ sealed }) => (sealed === undefined ? [] : [masterKeyIdOf(sealed)]))
    masterKeys.forgetBut(new Set(used))
  })
  return done
}

/** What cannot be opened now never could be again. */
async function checkAll(rows: Rows, { vault, destinationOf }: Deps): Promise<void> {
  const read = vault.reader()
  for (const stored of await rows.all()) {
    try {
      read(stored, await destinationOf(rows, stored))
    } catch (thrown) {
      const { message } = thrown as Error
      throw new GatewayError(
        'conflict',
        `Nothing has been changed, because ${named(stored)} cannot be opened: ${message}`,
      )
    }
  }
}

const alreadyNew =
  'Everything is under the key of the environment already. To change it, set TRUNKLINE_MASTER_KEY to a new key and ' +
  'TRUNKLINE_MASTER_KEY_PREVIOUS to the old one, and rotate then.'
